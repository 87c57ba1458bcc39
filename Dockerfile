# foretaste as a service: slim, CPU only, nobody's root. Built in two steps so that no compiler is left in the image.
#   docker build -t foretaste .
#   docker run --rm -p 8000:8000 -v "$PWD/shop:/project" foretaste
FROM python:3.12-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY src ./src
# Models that need torch want EXTRAS="serve,postgres,text" (and the CPU wheels of torch: 200 MB instead of 2 GB).
ARG EXTRAS="serve,postgres,cf,ann"
RUN python -m venv /app \
 && /app/bin/pip install --extra-index-url https://download.pytorch.org/whl/cpu -c constraints.txt ".[${EXTRAS}]"

FROM python:3.12-slim
RUN useradd --system --uid 10001 --home-dir /project foretaste && mkdir /project && chown foretaste /project
COPY --from=build /app /app
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER foretaste
WORKDIR /project
VOLUME /project
EXPOSE 8000
# Alive, not ready: a container that is still loading its models must not be killed for it.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["foretaste"]
# Beyond loopback it starts only once the project has a key: docker run … foretaste keys create shop --scope read
CMD ["serve", "--host", "0.0.0.0", "--port", "8000", "--workers", "2"]
