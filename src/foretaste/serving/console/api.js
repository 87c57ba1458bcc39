// Talks to the service: one function per address, and errors a person can act on.

const PATIENCE_MS = 20_000;
const MOST_SAID = 200; // of what was chosen, and of what was passed over, in one question

export class ServiceError extends Error {
  constructor(message, { status = 0, code = "unreachable" } = {}) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const KEY = "foretaste-key";

/** The API key, if the service asks for one: kept for this tab alone, and gone when it closes. */
export const setKey = (key) => sessionStorage.setItem(KEY, key);
const key = () => sessionStorage.getItem(KEY);

async function ask(path, body) {
  const request = { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(PATIENCE_MS) };
  if (key()) request.headers.Authorization = `Bearer ${key()}`;
  if (body !== undefined) {
    request.method = "POST";
    request.headers["Content-Type"] = "application/json";
    request.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, request);
  } catch {
    throw new ServiceError("The service does not answer. Is `foretaste serve` running?");
  }
  const answer = await response.json().catch(() => null);
  if (response.ok && answer !== null) return answer;
  throw new ServiceError(answer?.error?.message ?? `The service answered with status ${response.status}.`, {
    status: response.status,
    code: answer?.error?.code ?? "unknown",
  });
}

const name = encodeURIComponent;

export const people = (n) => ask(`/v1/users?n=${n}`);
export const models = () => ask("/v1/models");
export const similarItems = (item, n) => ask(`/v1/items/${name(item)}/similar?n=${n}`);

/** What to ask somebody new next, after the items and labels they chose and the items they passed over. */
export function onboarding({ history, likes, seen }, items, labels) {
  const said = [["items", items], ["labels", labels]];
  for (const { item } of history.slice(0, MOST_SAID)) said.push(["chosen", item]);
  for (const item of seen.slice(-MOST_SAID)) said.push(["seen", item]);
  for (const label of likes) said.push(["likes", label]);
  return ask(`/v1/onboarding?${new URLSearchParams(said)}`);
}

/** Someone nobody has heard of simply has no history. */
export async function profile(user, n) {
  try {
    return await ask(`/v1/users/${name(user)}/profile?n=${n}`);
  } catch (error) {
    if (error.status === 404) return { user, events: 0, history: [] };
    throw error;
  }
}

/** The one event a click means. A retry sends the same id again, so it never counts twice. */
export const newEvent = (user, item, kind, value) => ({
  id: uuid(),
  user,
  item,
  kind,
  time: new Date().toISOString(),
  ...(value === null ? {} : { value }),
});

export async function record(event) {
  const { results } = await ask("/v1/events", { events: [event] });
  const result = results[0];
  if (result.status === "rejected" || result.status === "conflict") {
    throw new ServiceError(result.why ?? `The event was refused (${result.status}).`, { code: result.status });
  }
  return result;
}

/** What to ask for a list: {path, body}; the same words make the request and its curl command. */
export function listRequest(person, n) {
  if (person.user !== null) return { path: `/v1/users/${name(person.user)}/recommendations?n=${n}&explain=true` };
  const history = person.history.map(({ item, kind, time, value }) => ({ item, kind, time, value })).reverse();
  const exclude = history.map((event) => event.item);
  const likes = person.likes.length ? { likes: person.likes } : {};
  return { path: "/v1/recommendations", body: { history, ...likes, n, explain: true, exclude } };
}

export const recommendations = (request) => ask(request.path, request.body);

export function curl({ path, body }) {
  const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  // The key itself stays out of what one copies into a chat or a ticket.
  const address = quote(location.origin + path) + (key() ? ' \\\n  -H "Authorization: Bearer $FORETASTE_KEY"' : "");
  if (body === undefined) return `curl -s ${address}`;
  return `curl -s ${address} \\\n  -H 'Content-Type: application/json' \\\n  -d ${quote(JSON.stringify(body))}`;
}

function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  // Browsers hide randomUUID from plain http beyond localhost; random bytes are as unlikely to repeat.
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
