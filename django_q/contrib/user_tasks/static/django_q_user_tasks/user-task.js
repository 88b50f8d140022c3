// <q-user-task src="…"> shows a user task and keeps itself up to date: by a stream of events, and where there is none
// by asking now and then. Events for the page: user-task-changed and user-task-ended, with the snapshot in detail.

const STREAMS = 2; // of one page: over HTTP/1.1 a browser has six connections for all pages of a site
const FAILURES = 2; // of a stream, one after the other, before it is asked instead
const PAUSE = 2000; // milliseconds between two questions
const LONGEST = 30000; // milliseconds between two questions that fail
const ASKED = 15; // questions before a stream that failed is tried again
const MISSING = 6; // times that a task may be missing: its row may not be committed yet
const QUIET = 10000; // milliseconds between two announcements of what a task says of itself
const KNOWN = new Set(["Pending", "In Progress", "Retrying", "Succeeded", "Failed", "Canceled"]);

const ENGLISH = {
    cancel: "Cancel",
    question: "Cancel this task?",
    yes: "Yes, cancel it",
    no: "No, go on",
    canceling: "Canceling …",
    notCanceled: "It could not be canceled. Try again.",
    gone: "This task was deleted.",
    unknown: "This task cannot be found.",
    refused: "You may not see this task. Log in and load the page again.",
    away: "The server does not answer; trying again …",
};

let streams = 0;

function make(name, attributes = {}, text = "") {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.textContent = text;
    return element;
}

class UserTask extends HTMLElement {
    #parts = {};
    #texts = ENGLISH;
    #seen = ""; // the snapshot that is shown, as text
    #isKnown = false; // has the server told of it?
    #isOver = false;
    #announcedAt = 0;

    #stream = null;
    #failures = 0;
    #question = null; // what ends a question that is asked
    #timer = 0;
    #untilStream = 0; // questions
    #pause = PAUSE;
    #missing = 0;

    connectedCallback() {
        this.#texts = { ...ENGLISH, ...JSON.parse(this.dataset.texts || "{}") };
        this.#build();
        this.#isOver ||= Boolean(this.dataset.state) && this.dataset.state !== "open";
        document.addEventListener("visibilitychange", this.#turn);
        window.addEventListener("pagehide", this.#stop);
        window.addEventListener("pageshow", this.#comeBack);
        this.#turn();
    }

    disconnectedCallback() {
        document.removeEventListener("visibilitychange", this.#turn);
        window.removeEventListener("pagehide", this.#stop);
        window.removeEventListener("pageshow", this.#comeBack);
        this.#stop();
    }

    get src() {
        const src = this.getAttribute("src") || "";
        return src.endsWith("/") ? src : `${src}/`;
    }

    // --- what is heard --------------------------------------------------------------------------------------------

    #turn = () => {
        this.#stop();
        if (!document.hidden && !this.#isOver && this.isConnected) this.#listen();
    };

    // The page was kept while another one was looked at.
    #comeBack = (event) => event.persisted && this.#turn();

    #stop = () => {
        this.#closeStream();
        clearTimeout(this.#timer);
        this.#question?.abort();
        this.#question = null;
    };

    #listen() {
        if (streams >= STREAMS || !window.EventSource) {
            this.#ask();
            return;
        }
        streams += 1;
        this.#stream = new EventSource(`${this.src}events/`);
        this.#stream.addEventListener("snapshot", (event) => this.#hear(event.data));
        this.#stream.addEventListener("gone", () => this.#end(this.#texts.gone, "gone"));
        this.#stream.addEventListener("open", () => (this.#failures = 0));
        this.#stream.addEventListener("error", () => this.#fail());
    }

    #closeStream() {
        if (this.#stream) {
            this.#stream.close();
            this.#stream = null;
            streams -= 1;
        }
    }

    #fail() {
        // A stream that has ended is opened again by the browser; one that was refused is not.
        this.#failures += 1;
        if (this.#stream.readyState === EventSource.CLOSED || this.#failures >= FAILURES) {
            this.#closeStream();
            this.#failures = 0;
            this.#untilStream = ASKED;
            this.#ask();
        }
    }

    async #ask() {
        const question = (this.#question = new AbortController());
        let pause = PAUSE;
        try {
            const answer = await fetch(this.src, {
                headers: { Accept: "application/json" },
                credentials: "same-origin",
                redirect: "error",
                signal: question.signal,
            });
            if (answer.ok) {
                this.#pause = PAUSE;
                if (this.#missing) this.#untilStream = this.#missing = 0; // it was not refused, but not there
                this.#hear(await answer.text());
            } else pause = this.#refused(answer.status);
        } catch {
            if (question.signal.aborted) return;
            this.#say(this.#texts.away);
            pause = this.#grown();
        }
        if (question !== this.#question || this.#isOver) return;
        this.#untilStream -= 1;
        this.#timer = setTimeout(() => (this.#untilStream > 0 ? this.#ask() : this.#listen()), pause);
    }

    #grown() {
        this.#pause = Math.min(2 * this.#pause, LONGEST);
        return this.#pause;
    }

    // What became of it if there is no snapshot; returns when to ask again.
    #refused(status) {
        if (status === 403) this.#end(this.#texts.refused, "refused");
        else if (status === 404 && this.#isKnown) this.#end(this.#texts.gone, "gone");
        else if (status === 404 && ++this.#missing >= MISSING) this.#end(this.#texts.unknown, "gone");
        else if (status === 404) return 250 * 2 ** this.#missing;
        else {
            this.#say(this.#texts.away);
            return this.#grown();
        }
        return 0;
    }

    #hear(text) {
        this.#isKnown = true;
        if (text === this.#seen || this.#isOver) return;
        this.#seen = text;
        const snapshot = JSON.parse(text);
        this.#show(snapshot);
        this.#emit("user-task-changed", snapshot);
        if (snapshot.is_final) {
            this.#isOver = true;
            this.#stop();
            this.#emit("user-task-ended", snapshot);
        }
    }

    #end(text, state) {
        this.#isOver = true;
        this.#stop();
        this.dataset.state = state;
        this.#parts.form.hidden = true;
        this.#say(text);
        this.#announce(text, true);
    }

    #emit(name, detail) {
        this.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
    }

    // --- what is shown --------------------------------------------------------------------------------------------

    // Use what the server wrote, and make what is missing.
    #build() {
        if (this.#parts.bar) return;
        const parts = Object.fromEntries([...this.querySelectorAll("[data-part]")].map((each) => [each.dataset.part, each]));
        const part = (name, element, place = this) => {
            if (!parts[name]) {
                parts[name] = make(element, { "data-part": name });
                place.append(parts[name]);
            }
            return parts[name];
        };
        if (!parts.name) this.append(make("p", { class: "head" }));
        const head = this.querySelector(".head");
        part("name", "strong", head);
        part("state", "span", head);
        part("bar", "progress").max = 100;
        if (!parts.percent) this.append(make("p", { class: "numbers" }));
        const numbers = this.querySelector(".numbers");
        part("percent", "span", numbers);
        part("left", "span", numbers);
        for (const name of ["error", "note"]) part(name, "p").hidden = !parts[name].textContent;
        part("artifacts", "ul").hidden = !parts.artifacts.children.length;
        part("said", "span").setAttribute("role", "status");
        this.#parts = parts;
        this.#buildForm(part("form", "form"));
    }

    #buildForm(form) {
        const { cancel, question, yes, no } = this.#texts;
        this.#parts.token = form.querySelector("[name=csrfmiddlewaretoken]");
        const first = make("button", { type: "button" }, cancel);
        const sure = make("span", { role: "group", "aria-label": question });
        // What is there already stands first: who presses twice by accident cancels nothing.
        const back = make("button", { type: "button" }, no);
        const last = make("button", { type: "button", class: "danger" }, yes);
        sure.append(back, " ", last);
        sure.hidden = true;
        const ask = (isAsked) => {
            first.hidden = isAsked;
            sure.hidden = !isAsked;
            (isAsked ? back : first).focus();
        };
        first.addEventListener("click", () => ask(true));
        back.addEventListener("click", () => ask(false));
        sure.addEventListener("keydown", (event) => event.key === "Escape" && ask(false));
        last.addEventListener("click", () => this.#cancel());
        form.hidden = form.hidden || !form.children.length || this.hasAttribute("no-cancel");
        form.replaceChildren(...(this.#parts.token ? [this.#parts.token] : []), first, sure);
        Object.assign(this.#parts, { first, sure, last, back });
    }

    #show(snapshot) {
        const { bar, name, state, percent, left, error, form } = this.#parts;
        this.dataset.state = snapshot.is_final ? snapshot.state.toLowerCase() : "open";
        name.textContent = snapshot.name;
        const isNew = state.textContent !== snapshot.state_text;
        state.textContent = snapshot.state_text;
        bar.setAttribute("aria-label", snapshot.name);
        if (snapshot.percent === null) bar.removeAttribute("value");
        else bar.value = snapshot.percent;
        percent.textContent = snapshot.percent_text;
        left.textContent = snapshot.left_text;
        error.textContent = snapshot.error;
        error.hidden = !snapshot.error;
        this.#showArtifacts(snapshot.artifacts);
        const hadFocus = form.contains(document.activeElement);
        form.hidden = !snapshot.may_cancel || this.hasAttribute("no-cancel");
        if (form.hidden && hadFocus) this.#focusHead();
        this.#say("");
        if (isNew) this.#announce(`${snapshot.name}: ${snapshot.state_text}`, KNOWN.has(snapshot.state));
    }

    #showArtifacts(artifacts) {
        this.#parts.artifacts.hidden = !artifacts.length;
        this.#parts.artifacts.replaceChildren(
            ...artifacts.map(({ name, url, text }) => {
                const item = make("li");
                item.append(url ? make("a", { href: url }, name) : name);
                if (text) item.append(make("pre", {}, text));
                return item;
            }),
        );
    }

    #say(text) {
        this.#parts.note.textContent = text;
        this.#parts.note.hidden = !text;
    }

    // For those who hear the page: each state, but what a task says of itself no more than now and then.
    #announce(text, isImportant) {
        const now = performance.now();
        if (text === this.#parts.said.textContent || (!isImportant && now - this.#announcedAt < QUIET)) return;
        this.#announcedAt = now;
        this.#parts.said.textContent = text;
    }

    // The button that had the focus is gone: a keyboard goes on from here.
    #focusHead() {
        this.tabIndex = -1;
        this.focus();
    }

    // --- cancel ---------------------------------------------------------------------------------------------------

    async #cancel() {
        const { last, back, token } = this.#parts;
        last.disabled = back.disabled = true;
        last.textContent = this.#texts.canceling;
        let text = "";
        try {
            const answer = await fetch(`${this.src}cancel/`, {
                method: "POST",
                headers: { Accept: "application/json" },
                body: new URLSearchParams({ csrfmiddlewaretoken: token?.value ?? cookie("csrftoken") }),
                credentials: "same-origin",
            });
            text = answer.ok ? await answer.text() : "";
        } catch {
            // The server is away, which is said below.
        }
        last.disabled = back.disabled = false;
        last.textContent = this.#texts.yes;
        if (text) this.#hear(text);
        else if (!this.#isOver) this.#say(this.#texts.notCanceled);
    }
}

function cookie(name) {
    const found = document.cookie.split("; ").find((each) => each.startsWith(`${name}=`));
    return found ? found.slice(name.length + 1) : "";
}

customElements.define("q-user-task", UserTask);
