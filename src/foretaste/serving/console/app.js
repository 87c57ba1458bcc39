// The console: choose a customer, see what is recommended and why, click, and watch the list change.

import * as api from "./api.js";
import { changes, sayHint, showCards, showHistory, skeletons } from "./cards.js";
import { wireHood, wireTheme } from "./frame.js";
import { byId, count, isRating, milliseconds, stars } from "./dom.js";
import { showHood, stripText } from "./hood.js";
import { askNewcomer, newcomer, passOver } from "./newcomer.js";
import { countPerson, face, markPerson, showPeople, wirePeople } from "./people.js";
import { openWhy } from "./why.js";

const N_LIST = 12;
const N_HISTORY = 50;
const N_PEOPLE = 200;

const state = {
  person: null, // {user: id or null for a guest, events, history newest first}; a guest as newcomer.js has it, too
  answer: null, // the list as shown
  taken: new Set(), // items recorded since that list was shown
  pending: new Set(), // items clicked, not yet answered for
  unsent: [], // events the service never confirmed; each keeps its id until it does
  active: null, // the model that answers
  kinds: new Map(), // event kinds seen in this page and how often
  ticket: 0, // counts questions, so that a late answer to an old one is dropped
};

const isGuest = () => state.person?.user === null;
const saidNothing = () => state.person.history.length + state.person.likes.length === 0;

// ---- choosing a customer -------------------------------------------------------------------------------------------

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
  state.person = { user, events: 0, history: [], ...newcomer() };
  state.answer = null;
  state.taken.clear();
  state.pending.clear();
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
  scrollTo(0, 0); // to the question, wherever the list of the person before was read
  byId("history").replaceChildren();
  byId("cards").replaceChildren();
  skeletons(byId("picks"), N_LIST);
  try {
    if (state.kinds.size === 0) await learnKinds();
    if (ticket !== state.ticket) return;
    offerKinds();
    await askNext();
  } catch (error) {
    if (ticket === state.ticket) trouble(error, () => open(null));
  }
}

/** What to ask of a guest next; the list beside it does not wait for that. */
async function askNext() {
  const { person } = state;
  const retry = () => {
    calm();
    askNext();
  };
  try {
    await askNewcomer(person, { take, like });
    if (person === state.person) hint();
  } catch (error) {
    if (person === state.person) trouble(error, retry);
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
  byId("person-name").textContent = user ?? "New visitor";
  byId("avatar").replaceChildren(face(user ?? "someone new"));
  byId("past-title").textContent = user === null ? "Your choices" : "Recent activity";
  byId("past-note").textContent =
    user === null
      ? "Stored in this page only; ✕ removes a choice."
      : "Newest first. A click records an event, which cannot be undone.";
  const unknown = "No events yet, so popular items are recommended.";
  if (user === null) byId("person-note").textContent = "Nothing is stored: every list follows from your choices only.";
  else if (state.answer) byId("person-note").textContent = events || history.length ? count(events, "event") : unknown;
  else byId("person-note").textContent = "";
}

function layOut() {
  const guest = isGuest();
  const empty = state.person.history.length === 0;
  byId("past").hidden = empty && (guest || state.answer !== null);
  byId("now").hidden = guest && saidNothing();
  byId("start").hidden = !guest;
  byId("main").classList.toggle("beside", guest && !saidNothing());
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
  askForKey(error, retry);
  byId("lamp").dataset.state = error.status ? "ready" : "down";
  say("");
  for (const list of [byId("cards"), byId("picks")]) {
    list.querySelectorAll(".skeleton").forEach((bone) => bone.remove());
    list.removeAttribute("aria-busy");
  }
  if (!state.answer) for (const id of ["past", "now"]) byId(id).hidden = true;
}

/** Without a key the service refuses requests; with a read-only key, everything but recording works. */
function askForKey(error, retry) {
  const form = byId("key-form");
  const wasHidden = form.hidden;
  form.hidden = error.status !== 401;
  byId("trouble-retry").hidden = !form.hidden;
  form.onsubmit = (event) => {
    event.preventDefault();
    api.setKey(byId("key").value.trim());
    byId("key").value = "";
    retry();
  };
  if (wasHidden && !form.hidden) byId("key").focus();
}

function calm() {
  if (state.unsent.length === 0) byId("trouble").hidden = true;
}

// ---- asking ------------------------------------------------------------------------------------------------------

/** Fetches history and list together and shows them; `since` is when the click that caused it happened. */
async function refresh({ ticket, retry, since = null, note = "" }) {
  const { person } = state;
  const request = api.listRequest(person, N_LIST);
  const asked = performance.now();
  try {
    const [timed, profile] = await Promise.all([
      api.recommendations(request).then((answer) => ({ answer, roundTripMs: performance.now() - asked })),
      isGuest() ? null : api.profile(person.user, N_HISTORY),
    ]);
    if (ticket !== state.ticket) return;
    if (profile) {
      Object.assign(person, { events: profile.events, history: profile.history });
      noteKinds(profile.history);
      countPerson(person.user, profile.events);
    }
    show(timed, request, since, note);
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
  markPending();
  hint();
  const strip = byId("strip");
  strip.textContent = stripText(answer);
  strip.hidden = false;
  showHood({ answer, request, roundTripMs, active: state.active });
  if (answer.items.length === 0) say("There is nothing left to recommend.");
  else if (since !== null) {
    const time = milliseconds(performance.now() - since);
    const changed = moved ? `updated in ${time}, ${[...moved.values()].filter(Boolean).length} of ${after.length} changed place.` : `made in ${time}.`;
    const still = stayed ? " This kind of event does not hide an item, so it may stay." : "";
    say(`List ${changed}${still}${note}`);
  }
}

// ---- doing -------------------------------------------------------------------------------------------------------

/** A click on a card records an event of this customer. A double click is one event. */
function take(item) {
  if (state.pending.has(item.id)) return undefined;
  const since = performance.now();
  if (isGuest()) {
    const { id, title, columns } = item;
    const event = { item: id, title, columns, kind: chosenKind(), value: chosenValue(), time: new Date().toISOString() };
    state.person.history = [event, ...state.person.history.filter((past) => past.item !== id)];
    state.taken.add(id);
    askNext();
    return askAgain(since);
  }
  const { user } = state.person;
  if (state.unsent.some((event) => event.user === user && event.item === item.id)) return sendUnsent();
  return send(api.newEvent(user, item.id, chosenKind(), chosenValue()), since);
}

async function send(event, since) {
  state.pending.add(event.item);
  markPending();
  try {
    const { why: remark } = await api.record(event);
    if (state.person.user !== event.user) return;
    state.taken.add(event.item);
    const ticket = ++state.ticket; // only now: an answer on its way does not know this event
    const retry = () => refresh({ ticket, since, retry });
    await refresh({ ticket, since, retry, note: remark ? ` ${remark}` : "" });
  } catch (error) {
    if (error.status >= 500 || error.code === "unreachable") state.unsent.push(event);
    trouble(error, sendUnsent);
  } finally {
    state.pending.delete(event.item);
    markPending();
  }
}

/** The same events again with the same ids: had one arrived after all, it still counts once. */
function sendUnsent() {
  const events = state.unsent.splice(0);
  calm();
  for (const event of events) send(event, performance.now());
}

function markPending() {
  for (const li of byId("cards").querySelectorAll("[data-item]")) {
    li.classList.toggle("busy", state.pending.has(li.dataset.item));
  }
}

function takeBack(index) {
  const since = performance.now();
  state.person.history.splice(index, 1);
  showHistory(byId("history"), state.person.history, takeBack);
  byId("picks").querySelector(".take")?.focus({ preventScroll: true });
  return saidOtherwise(since);
}

/** A guest likes a label, or no longer does. */
function like(label) {
  const { likes } = state.person;
  state.person.likes = likes.includes(label) ? likes.filter((one) => one !== label) : [...likes, label];
  return saidOtherwise(performance.now());
}

function saidOtherwise(since) {
  askNext();
  if (!saidNothing()) return askAgain(since);
  state.ticket++;
  state.answer = null;
  layOut();
  return say("");
}

function askAgain(since) {
  const ticket = ++state.ticket;
  if (!state.answer) {
    layOut();
    skeletons(byId("cards"), N_LIST);
    // Where the list stands beside the picks it is seen anyway, and the page shall not move under the pointer.
    if (byId("now").getBoundingClientRect().top > innerHeight) byId("now").scrollIntoView({ block: "nearest" });
  }
  const retry = () => refresh({ ticket, since, retry });
  return refresh({ ticket, since, retry });
}

function why(item) {
  return openWhy(item, { take, you: isGuest(), afterCards: hint });
}

// ---- starting ----------------------------------------------------------------------------------------------------

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
byId("others").addEventListener("click", () => {
  passOver(state.person);
  askNext();
});
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
