// The page: choose a person, see what is recommended and why, click, and watch the list answer.

import * as api from "./api.js";
import { changes, sayHint, showCards, showHistory, skeletons } from "./cards.js";
import { byId, count, isRating, milliseconds, stars } from "./dom.js";
import { showHood, stripText } from "./hood.js";
import { countPerson, face, markPerson, showPeople, wirePeople } from "./people.js";
import { openWhy } from "./why.js";

const N_LIST = 12;
const N_HISTORY = 50;
const N_PEOPLE = 200;
const N_POPULAR = 24;

const state = {
  person: null, // {user: id or null for a guest, events, history newest first}
  answer: null, // the list as shown
  taken: new Set(), // items clicked since that list was shown
  active: null, // the model that answers
  kinds: new Map(), // event kinds seen in this page and how often
  ticket: 0, // counts questions, so that a late answer to an old one is dropped
};

const isGuest = () => state.person?.user === null;

// ---- choosing a person -------------------------------------------------------------------------------------------

function choose(user) {
  const wanted = user === null ? "#guest" : `#person=${encodeURIComponent(user)}`;
  if (location.hash === wanted) open(user);
  else location.hash = wanted; // the hashchange listener opens it, so that Back works
}

function personInAddress() {
  if (location.hash === "#guest") return null;
  if (!location.hash.startsWith("#person=")) return undefined;
  try {
    return decodeURIComponent(location.hash.slice(8)) || undefined;
  } catch {
    return undefined; // a mangled link
  }
}

async function open(user) {
  const ticket = ++state.ticket;
  state.person = { user, events: 0, history: [] };
  state.answer = null;
  state.taken.clear();
  calm();
  markPerson(user);
  introduce();
  say("");
  byId("strip").hidden = true;
  if (user === null) return openGuest(ticket);
  layOut();
  skeletons(byId("cards"), N_LIST);
  byId("history").replaceChildren();
  return refresh({ ticket, retry: () => open(user) });
}

async function openGuest(ticket) {
  layOut();
  byId("history").replaceChildren();
  byId("cards").replaceChildren();
  skeletons(byId("popular"), N_LIST);
  try {
    if (state.kinds.size === 0) await learnKinds();
    const { items } = await api.popularItems(N_POPULAR);
    if (ticket !== state.ticket) return;
    offerKinds();
    showCards(byId("popular"), items, { take });
    hint();
  } catch (error) {
    if (ticket === state.ticket) trouble(error, () => open(null));
  }
}

/** A guest's clicks should mean what clicks mean here: look at the kinds one person used. */
async function learnKinds() {
  const { users } = await api.people(1);
  if (users.length) noteKinds((await api.profile(users[0].id, N_HISTORY)).history);
}

function noteKinds(history) {
  for (const { kind } of history) state.kinds.set(kind, (state.kinds.get(kind) ?? 0) + 1);
}

// ---- showing -----------------------------------------------------------------------------------------------------

function introduce() {
  const { user, events, history } = state.person;
  byId("person-name").textContent = user ?? "Someone new";
  byId("avatar").replaceChildren(face(user ?? "someone new"));
  byId("past-title").textContent = user === null ? "What you picked" : "What they did lately";
  byId("past-note").textContent =
    user === null
      ? "Kept in this page only; ✕ takes a pick back."
      : "Newest first. A click adds to it for good: a recorded event has no undo.";
  const unknown = "Nobody has heard of them yet, so they get what is popular.";
  if (user === null) byId("person-note").textContent = "You. Nothing is stored: every answer comes from your picks alone.";
  else if (state.answer) byId("person-note").textContent = events || history.length ? count(events, "event") : unknown;
  else byId("person-note").textContent = "";
}

function layOut() {
  const guest = isGuest();
  const empty = state.person.history.length === 0;
  byId("past").hidden = empty && (guest || state.answer !== null);
  byId("now").hidden = guest && empty;
  byId("start").hidden = !guest;
  byId("start-title").textContent = empty ? "Pick something you like" : "Or pick something popular";
}

/** The kinds this person's events have; a click records the chosen one. */
function offerKinds() {
  const seen = new Map();
  for (const { kind } of state.person.history) seen.set(kind, (seen.get(kind) ?? 0) + 1);
  const counts = seen.size && !isGuest() ? seen : state.kinds;
  const kinds = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a));
  if (kinds.length === 0) kinds.push("view");
  const select = byId("kind");
  const before = [...select.options].map((option) => option.value);
  if (String(before) !== String(kinds)) {
    const chosen = kinds.includes(select.value) ? select.value : kinds.includes("view") ? "view" : kinds[0];
    select.replaceChildren(...kinds.map((kind) => new Option(kind, kind)));
    select.value = chosen;
  }
  const best = Math.max(5, ...state.person.history.map((event) => (isRating(event.kind) ? (event.value ?? 0) : 0)));
  const scale = byId("stars");
  if (scale.options.length !== best) {
    scale.replaceChildren(...Array.from({ length: best }, (_, i) => new Option(stars(best - i), String(best - i))));
  }
  scale.hidden = !isRating(select.value);
}

const chosenKind = () => byId("kind").value || "view";
const chosenValue = () => (isRating(chosenKind()) ? Number(byId("stars").value) : null);
const hint = () => sayHint(`+ ${chosenKind()}${chosenValue() ? ` ${chosenValue()}★` : ""}`);

function say(text) {
  byId("status").textContent = text;
}

function trouble(error, retry) {
  console.warn(error.message);
  byId("trouble").hidden = false;
  byId("trouble-text").textContent = error.message;
  byId("trouble-retry").onclick = retry;
  byId("lamp").dataset.state = error.status ? "ready" : "down";
  say("");
  for (const list of [byId("cards"), byId("popular")]) {
    list.querySelectorAll(".skeleton").forEach((bone) => bone.remove());
    list.removeAttribute("aria-busy");
    list.querySelectorAll(".busy").forEach((card) => card.classList.remove("busy"));
  }
}

function calm() {
  byId("trouble").hidden = true;
}

// ---- asking ------------------------------------------------------------------------------------------------------

/** Fetches history and list together and shows them; `since` is when the click that caused it happened. */
async function refresh({ ticket, retry, since = null, note = "" }) {
  const { person } = state;
  const request = api.listRequest(person, N_LIST);
  const asked = performance.now();
  try {
    const [answer, profile] = await Promise.all([
      api.recommendations(request).then((answer) => [answer, performance.now() - asked]),
      isGuest() ? null : api.profile(person.user, N_HISTORY),
    ]).then(([[answer, roundTripMs], profile]) => [{ answer, roundTripMs }, profile]);
    if (ticket !== state.ticket) return;
    if (profile) {
      Object.assign(person, { events: profile.events, history: profile.history });
      noteKinds(profile.history);
      countPerson(person.user, profile.events);
    }
    show(answer, request, since, note);
  } catch (error) {
    if (ticket === state.ticket) trouble(error, retry);
  }
}

function show({ answer, roundTripMs }, request, since, note) {
  const before = state.answer?.items.map((item) => item.id) ?? null;
  const after = answer.items.map((item) => item.id);
  const moved = before && since !== null ? changes(before, after, state.taken) : null;
  const stayed = [...state.taken].some((id) => after.includes(id));
  state.answer = answer;
  state.taken.clear();
  calm();
  byId("lamp").dataset.state = answer.degraded ? "degraded" : "ready";
  introduce();
  layOut();
  offerKinds();
  showHistory(byId("history"), state.person.history, isGuest() ? takeBack : null);
  showCards(byId("cards"), answer.items, { take, why }, moved);
  hint();
  const strip = byId("strip");
  strip.textContent = stripText(answer);
  strip.hidden = false;
  showHood({ answer, request, roundTripMs, active: state.active });
  if (answer.items.length === 0) say("There is nothing left to recommend.");
  else if (since !== null) {
    const time = milliseconds(performance.now() - since);
    const changed = moved ? `updated in ${time}, ${[...moved.values()].filter(Boolean).length} of ${after.length} changed.` : `made in ${time}.`;
    const still = stayed ? " This kind of event does not hide an item, so it may stay." : "";
    say(`List ${changed}${still}${note}`);
  }
}

// ---- doing -------------------------------------------------------------------------------------------------------

/** A click on a card: the person did it. */
function take(item) {
  const since = performance.now();
  document.querySelector(`#cards [data-item="${CSS.escape(item.id)}"]`)?.classList.add("busy");
  state.taken.add(item.id);
  if (isGuest()) {
    const { id, title, columns } = item;
    const event = { item: id, title, columns, kind: chosenKind(), value: chosenValue(), time: new Date().toISOString() };
    state.person.history = [event, ...state.person.history.filter((past) => past.item !== id)];
    return askAgain(since);
  }
  return send(api.newEvent(state.person.user, item.id, chosenKind(), chosenValue()), since);
}

async function send(event, since) {
  const ticket = ++state.ticket;
  try {
    const { why: remark } = await api.record(event);
    calm();
    const retry = () => refresh({ ticket, since, retry });
    await refresh({ ticket, since, retry, note: remark ? ` ${remark}` : "" });
  } catch (error) {
    // The same event goes again with the same id: had it arrived after all, it still counts once.
    if (ticket === state.ticket) trouble(error, () => send(event, performance.now()));
  }
}

function takeBack(index) {
  const since = performance.now();
  state.person.history.splice(index, 1);
  if (state.person.history.length) return askAgain(since);
  state.ticket++;
  state.answer = null;
  byId("history").replaceChildren();
  layOut();
  byId("popular").querySelector(".take")?.focus();
  return say("");
}

function askAgain(since) {
  const ticket = ++state.ticket;
  if (!state.answer) {
    layOut();
    skeletons(byId("cards"), N_LIST);
    byId("now").scrollIntoView({ block: "nearest" });
  }
  const retry = () => refresh({ ticket, since, retry });
  return refresh({ ticket, since, retry });
}

function why(item) {
  return openWhy(item, { take, you: isGuest(), afterCards: hint });
}

// ---- the frame ---------------------------------------------------------------------------------------------------

const THEMES = { "": ["dark", "◐", "as the system has it"], dark: ["light", "●", "dark"], light: ["", "○", "light"] };

function wireTheme() {
  const root = document.documentElement;
  const button = byId("theme-button");
  const label = () => {
    const [, sign, name] = THEMES[root.dataset.theme ?? ""];
    button.textContent = sign;
    button.setAttribute("aria-label", `Theme: ${name}`);
    button.title = `Theme: ${name}`;
  };
  button.addEventListener("click", () => {
    const [next] = THEMES[root.dataset.theme ?? ""];
    if (next) root.dataset.theme = next;
    else delete root.dataset.theme;
    label();
    try {
      localStorage.setItem("foretaste-theme", next);
    } catch {
      // Storage is switched off: the choice holds for this visit.
    }
  });
  label();
}

function wireHood() {
  const [hood, button] = [byId("hood"), byId("hood-button")];
  const toggle = (wanted, from = button) => {
    hood.hidden = !wanted;
    document.body.classList.toggle("hood-open", wanted);
    button.setAttribute("aria-expanded", String(wanted));
    (wanted ? byId("hood-close") : from).focus({ preventScroll: true });
  };
  button.addEventListener("click", () => toggle(hood.hidden));
  byId("strip").addEventListener("click", () => toggle(true));
  byId("hood-close").addEventListener("click", () => toggle(false));
  hood.addEventListener("keydown", (event) => event.key === "Escape" && toggle(false));
}

async function start() {
  try {
    const { users } = await api.people(N_PEOPLE);
    showPeople(users, choose);
    byId("lamp").dataset.state = "ready";
    api.models().then(({ active, models }) => (state.active = models.find((model) => model.version === active)), () => {});
    const asked = personInAddress();
    if (asked !== undefined) open(asked);
    else choose(users.length ? users[0].id : null);
  } catch (error) {
    trouble(error, () => {
      calm();
      start();
    });
  }
}

wireTheme();
wireHood();
wirePeople(choose);
for (const id of ["kind", "stars"]) {
  byId(id).addEventListener("change", () => {
    byId("stars").hidden = !isRating(chosenKind());
    hint();
  });
}
addEventListener("hashchange", () => {
  const asked = personInAddress();
  if (asked !== undefined && asked !== state.person?.user) open(asked);
});
start();
