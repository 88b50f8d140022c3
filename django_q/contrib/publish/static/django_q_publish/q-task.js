// <q-task task_id="demo__test1"> shows what a task sends while it runs. <ptig-task> is the same.
//
// Attributes: task_id; websocket_href, where the websocket is; events_href, where the same is streamed without one;
// task_href, what is fetched once to start the task. `text`: events are text, never markup. `sanitize`: markup that
// could harm is left out. `wrap`: events of several elements get one around them. data-texts: what it says, as JSON.
//
// Events for the page: task-start, task-event ({seq, value} in detail; preventDefault() keeps it from being shown),
// task-stop ({outcome}) and task-error ({reason, message}).

const CHANNEL = "/schtasks/show_task_events/channel/";
const PING = 10000; // milliseconds between two pings
const DEAF = 25000; // milliseconds without any answer after which a connection is taken for lost
const SHORTEST = 500; // milliseconds before the first new try
const LONGEST = 30000; // milliseconds between two tries
const SETTLED = 5000; // milliseconds after which a connection that lasts is a good one
const QUIET = 3000; // milliseconds between two announcements of what a task sends
const SPOKEN = 200; // characters of one announcement
// A style in a tag is what a policy for styles complains of; what tells of the end is hidden until then in any case.
const END_INFO = /<[^<>]*\bname=['"]?task_end_info\b[^<>]*>/gi;
const HIDDEN = /\sstyle=(['"])\s*display\s*:\s*none\s*;?\s*\1/i;

const ENGLISH = {
    started: "The task has begun.",
    finished: "The task has ended.",
    failed: "The task has failed.",
    refused: "You may not watch this task.",
    unknown: "This task has not begun yet.",
    missed: "Some of what the task said is gone.",
    away: "The connection is lost; trying again …",
    notStarted: "The task could not be started.",
};

// --- where an event goes ---------------------------------------------------------------------------------------------

// Tried in this order, so that what stands for a longer one is not taken for a shorter one.
const OPERATORS = {
    ">>": (target, nodes) => target.append(...nodes),
    "<<": (target, nodes) => target.prepend(...nodes),
    ">": (target, nodes) => target.replaceChildren(...nodes),
    "(": (target, nodes) => target.before(...nodes),
    ")": (target, nodes) => target.after(...nodes),
};

// "HTML===OPERATOR PATH" in its three parts. Without an operator all is HTML, to be appended to the component.
export function parse(value) {
    for (const operator of Object.keys(OPERATORS)) {
        const [html, path, ...more] = value.split(`===${operator}`);
        if (path !== undefined) return { html: html.trimEnd(), operator, path: path.trim(), more };
    }
    return { html: value, operator: ">>", path: "", more: [] };
}

// Walk a path from an element: "." stays, ".." is the parent, "^css" the closest ancestor, "css" the first inside.
export function find(start, path) {
    let found = start;
    for (const step of path.split(/\/(?![^[]*\])/).map((each) => each.trim())) {
        if (!found) return null;
        if (step === "" || step === ".") continue;
        if (step === "..") found = found.parentElement;
        else if (step.startsWith("^")) found = found.parentElement?.closest(step.slice(1).trim()) ?? null;
        else found = found.querySelector(step);
    }
    return found;
}

class Task extends HTMLElement {
    // A function of HTML that returns what of it is harmless; for all elements, or set on one of them.
    static sanitizer = null;
    sanitizer = null;

    #texts = ENGLISH;
    #note;
    #said;

    #run = 0; // what is being shown
    #last = 0; // number of the last event that was shown
    #isOver = false;
    #wasAsked = false; // was task_href fetched?

    #link = null; // the websocket or the stream
    #isSocket = false;
    #socketWorks = false; // has one been open on this page?
    #heardAt = 0;
    #openedAt = Infinity;
    #pause = SHORTEST;
    #retry = 0;
    #pings = 0;
    #spokenAt = -QUIET;
    #spoken = 0;

    constructor() {
        super();
        const root = this.attachShadow({ mode: "open" });
        this.#note = document.createElement("p");
        this.#note.setAttribute("part", "note");
        this.#note.hidden = true;
        this.#said = document.createElement("span");
        this.#said.setAttribute("role", "status");
        // For those who hear the page. Set here and not by an attribute, which a policy for styles may forbid.
        Object.assign(this.#said.style, { position: "absolute", width: "1px", height: "1px", overflow: "hidden" });
        this.#said.style.clipPath = "inset(50%)";
        this.#said.style.whiteSpace = "nowrap";
        root.append(document.createElement("slot"), this.#note, this.#said);
    }

    connectedCallback() {
        this.#texts = { ...ENGLISH, ...JSON.parse(this.dataset.texts || "{}") };
        if (!this.style.display && getComputedStyle(this).display === "inline") this.style.display = "block";
        window.addEventListener("pagehide", this.#leave);
        window.addEventListener("pageshow", this.#comeBack);
        document.addEventListener("visibilitychange", this.#turn);
        this.#begin();
    }

    disconnectedCallback() {
        window.removeEventListener("pagehide", this.#leave);
        window.removeEventListener("pageshow", this.#comeBack);
        document.removeEventListener("visibilitychange", this.#turn);
        this.#leave();
    }

    async #begin() {
        if (this.#isOver) return;
        const href = this.getAttribute("task_href");
        if (href && !this.#wasAsked) {
            this.#wasAsked = true;
            if (!(await this.#start(href))) return;
        }
        if (this.isConnected && !this.#link) this.#connect();
    }

    async #start(href) {
        try {
            const answer = await fetch(href, { credentials: "same-origin" });
            if (answer.ok) return true;
            console.error(`${this.localName}: ${href} answers ${answer.status}.`);
        } catch (error) {
            console.error(`${this.localName}: ${href} cannot be fetched: ${error}`);
        }
        this.#fail("notStarted", this.#texts.notStarted);
        return false;
    }

    // --- the connection -----------------------------------------------------------------------------------------------

    #connect() {
        clearTimeout(this.#retry);
        const events = this.getAttribute("events_href");
        // Where no websocket has ever opened, every second try is without one.
        this.#isSocket = !events || this.#socketWorks || !this.#isSocket;
        if (this.#isSocket) this.#open();
        else this.#listen(events);
    }

    #open() {
        const address = new URL(this.getAttribute("websocket_href") || CHANNEL, location.href);
        address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
        const socket = (this.#link = new WebSocket(address));
        socket.onopen = () => {
            this.#socketWorks = true;
            this.#opened();
            const place = this.#run ? { run: this.#run, last: this.#last } : {};
            socket.send(JSON.stringify({ id: this.#id, batch: true, ...place }));
            this.#pings = setInterval(() => this.#ping(socket), PING);
        };
        socket.onmessage = (event) => this.#hear(event.data);
        socket.onclose = () => this.#lose(socket);
    }

    #listen(href) {
        const address = new URL(href, location.href);
        address.searchParams.set("id", this.#id);
        address.searchParams.set("batch", "1");
        if (this.#run) address.searchParams.set("seen", `${this.#run}.${this.#last}`);
        const stream = (this.#link = new EventSource(address));
        stream.onopen = () => this.#opened();
        stream.onmessage = (event) => this.#hear(event.data);
        // A stream that has ended is opened again by the browser; one that was refused is not.
        stream.onerror = () => stream.readyState === EventSource.CLOSED && this.#lose(stream);
    }

    get #id() {
        return this.getAttribute("task_id") || "";
    }

    #opened() {
        this.#heardAt = this.#openedAt = performance.now();
        if (this.dataset.state === "away") this.#say("", this.#run ? "running" : "waiting");
    }

    #ping(socket) {
        if (performance.now() - this.#heardAt > DEAF) this.#lose(socket);
        else socket.send('{"ping":1}');
    }

    #lose(link) {
        if (link !== this.#link) return;
        const mayStream = this.#isSocket && !this.#socketWorks && this.hasAttribute("events_href");
        if (!mayStream) this.#say(this.#texts.away, "away");
        const lasted = performance.now() - this.#openedAt;
        this.#close();
        if (!this.isConnected) return;
        if (mayStream) this.#connect();
        else this.#tryLater(lasted < SETTLED ? this.#pause : SHORTEST);
    }

    #tryLater(pause) {
        this.#pause = Math.min(2 * pause, LONGEST);
        // Not all at once: a server that has come back has many to serve.
        this.#retry = setTimeout(() => this.#connect(), pause * (0.75 + Math.random() / 2));
    }

    #close() {
        const link = this.#link;
        this.#link = null;
        this.#openedAt = Infinity;
        clearInterval(this.#pings);
        clearTimeout(this.#retry);
        if (!link) return;
        link.onopen = link.onmessage = link.onclose = link.onerror = null;
        link.close();
    }

    #leave = () => {
        this.#close();
        clearTimeout(this.#spoken);
    };

    // The page was kept while another one was looked at.
    #comeBack = (event) => event.persisted && this.#begin();

    // A browser has few streams over HTTP/1.1, and those of pages that nobody sees would keep all others waiting.
    #turn = () => {
        if (this.#isSocket) return;
        if (document.hidden) this.#close();
        else {
            this.#isSocket = true;
            this.#begin();
        }
    };

    // --- what is heard ------------------------------------------------------------------------------------------------

    #hear(text) {
        this.#heardAt = performance.now();
        const message = JSON.parse(text);
        if (message.status === "start") this.#startOf(message);
        else if (message.status === "event") this.#show(message.seq, message.data);
        else if (message.status === "events") for (const [seq, value] of message.data) this.#show(seq, value);
        else if (message.status === "stop") this.#stop(message);
        else if (message.status === "missed") this.#say(this.#texts.missed, this.dataset.state);
        else if (message.status === "error") this.#refuse(message);
        else if (message.status !== "pong") console.info(`${this.localName}: ${text}`);
    }

    #startOf({ run }) {
        this.#pause = SHORTEST;
        this.#say("", "running");
        if (run === this.#run) return;
        this.#run = run;
        this.#last = 0;
        this.querySelector('[name="task_status"]')?.classList.add("task_started");
        this.#announce(this.#texts.started);
        this.#emit("task-start", { run });
    }

    #show(seq, value) {
        if (seq <= this.#last) return;
        this.#last = seq;
        this.#pause = SHORTEST;
        if (!this.#emit("task-event", { seq, value }) || typeof value !== "string") return;
        try {
            this.#place(value);
        } catch (error) {
            console.warn(`${this.localName}: event ${seq} cannot be shown: ${error}`);
        }
    }

    #stop({ outcome = "success" }) {
        this.#isOver = true;
        this.#close();
        const status = this.querySelector('[name="task_status"]');
        status?.classList.remove("task_started");
        status?.classList.add("task_finished");
        this.#hideEnd();
        this.#say("", "ended");
        this.dataset.outcome = outcome;
        this.#announce(outcome === "success" ? this.#texts.finished : this.#texts.failed);
        this.#emit("task-stop", { outcome });
    }

    #refuse({ reason, message, hint }) {
        if (hint) console.warn(`${this.localName} ${this.#id}: ${message} ${hint}`);
        if (reason === "unknown" || reason === "full") {
            // It may yet be enqueued, or there may be room.
            this.#say(this.#texts[reason] ?? this.#texts.away, reason === "unknown" ? "waiting" : "away");
            this.#emit("task-error", { reason, message });
            this.#close();
            this.#tryLater(this.#pause);
        } else this.#fail(reason, this.#texts[reason] ?? message);
    }

    #fail(reason, message) {
        this.#isOver = true;
        this.#close();
        this.#say(message, "refused");
        this.#announce(message);
        this.#emit("task-error", { reason, message });
    }

    #emit(name, detail) {
        return this.dispatchEvent(new CustomEvent(name, { bubbles: true, cancelable: true, detail }));
    }

    // --- what is shown ------------------------------------------------------------------------------------------------

    #place(value) {
        const { html, operator, path } = parse(value);
        const target = find(this, path);
        if (!target) {
            console.warn(`${this.localName} ${this.#id}: nothing matches ${JSON.stringify(path)}.`);
            return;
        }
        const nodes = this.#nodes(html);
        const text = nodes.map((node) => node.textContent).join(" ");
        OPERATORS[operator](target, nodes);
        this.#hideEnd();
        this.#announceSoon(text);
    }

    #nodes(html) {
        if (this.hasAttribute("text")) return [document.createTextNode(html)];
        html = html.replace(END_INFO, (tag) => tag.replace(HIDDEN, ""));
        const holder = document.createElement("template");
        const sanitizer = this.sanitizer ?? this.constructor.sanitizer;
        if (sanitizer) holder.innerHTML = sanitizer(html);
        else if (!this.hasAttribute("sanitize")) holder.innerHTML = html;
        else if (holder.setHTML) holder.setHTML(html);
        else {
            console.warn(`${this.localName}: this browser has no sanitizer; events are shown as text.`);
            return [document.createTextNode(html)];
        }
        const nodes = [...document.importNode(holder.content, true).childNodes];
        if (!this.hasAttribute("wrap") || nodes.length < 2) return nodes;
        const wrapper = document.createElement("div");
        wrapper.className = "ajax-temp-item";
        wrapper.append(...nodes);
        return [wrapper];
    }

    // What tells of the end is shown at the end.
    #hideEnd() {
        for (const info of this.querySelectorAll('[name="task_end_info"]')) {
            info.hidden = !this.#isOver;
            if (this.#isOver && info.style.display === "none") info.style.display = "";
        }
    }

    #say(text, state) {
        this.#note.textContent = text;
        this.#note.hidden = !text;
        if (state) this.dataset.state = state;
    }

    #announce(text) {
        clearTimeout(this.#spoken);
        this.#spokenAt = performance.now();
        this.#said.textContent = text;
    }

    // The newest of what a task sends, now and then.
    #announceSoon(text) {
        const line = text.replace(/\s+/g, " ").trim().slice(0, SPOKEN);
        if (!line) return;
        clearTimeout(this.#spoken);
        const pause = Math.max(0, this.#spokenAt + QUIET - performance.now());
        this.#spoken = setTimeout(() => this.#announce(line), pause);
    }
}

export class QTask extends Task {}
export class PtigTask extends Task {}

customElements.define("q-task", QTask);
customElements.define("ptig-task", PtigTask);
