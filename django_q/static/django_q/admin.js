// Keys for the lists of the admin: / j k x o r ? and nothing while somebody types. All of it can be done without.
(() => {
    "use strict";

    const TYPING = "input:not([type=checkbox]):not([type=radio]):not([type=submit]), textarea, select, [contenteditable]";
    const ITSELF = "a, button, summary, input[type=submit]"; // what Enter does something with already

    function start() {
        const table = document.getElementById("result_list");
        const help = document.getElementById("django-q-keys");
        if (!help) {
            return;
        }
        const rows = table ? [...table.tBodies].flatMap((body) => [...body.rows]) : [];
        const said = document.getElementById("django-q-said");
        let current = -1;

        const linkOf = (row) => row.querySelector("th a[href], td a[href]");
        const boxOf = (row) => row.querySelector("input.action-select");

        function here() {
            const at = rows.findIndex((row) => row.contains(document.activeElement));
            return at >= 0 ? at : current;
        }

        function go(place) {
            if (!rows.length) {
                return;
            }
            current = Math.min(Math.max(place, 0), rows.length - 1);
            rows.forEach((row, index) => row.classList.toggle("django-q-current", index === current));
            const target = linkOf(rows[current]) || boxOf(rows[current]);
            if (target) {
                target.focus();
            }
        }

        function toggle() {
            const row = rows[here()];
            const box = row && boxOf(row);
            if (!box) {
                return;
            }
            box.click();
            const name = (linkOf(row) || row.cells[1]).textContent.trim();
            said.textContent = `${name}: ${box.checked ? help.dataset.selected : help.dataset.unselected}`;
        }

        function open() {
            const row = rows[here()];
            const link = row && linkOf(row);
            if (link) {
                link.click();
            }
        }

        function act() {
            const choice = document.querySelector("#changelist-form select[name=action]");
            const wanted = help.dataset.action;
            if (!wanted || !choice || ![...choice.options].some((option) => option.value === wanted)) {
                return;
            }
            if (!rows.some((row) => boxOf(row)?.checked)) {
                const box = rows[here()] && boxOf(rows[here()]);
                if (!box) {
                    return;
                }
                box.click();
            }
            choice.value = wanted;
            choice.form.requestSubmit(choice.closest(".actions").querySelector("[type=submit]"));
        }

        const keys = {
            "/": () => document.getElementById("searchbar")?.focus(),
            j: () => go(here() + 1),
            k: () => go(here() < 0 ? rows.length - 1 : here() - 1),
            x: toggle,
            o: open,
            r: act,
            "?": () => help.showModal(),
        };

        document.addEventListener("keydown", (event) => {
            if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) {
                return;
            }
            if (help.open) {
                if (event.key === "?") {
                    help.close();
                    event.preventDefault();
                }
                return;
            }
            if (event.target.closest?.(TYPING)) {
                return;
            }
            if (event.key === "Enter" && here() >= 0 && !event.target.closest?.(ITSELF)) {
                event.preventDefault();
                open();
            } else if (Object.hasOwn(keys, event.key) && !(event.repeat && !"jk".includes(event.key))) {
                event.preventDefault();
                keys[event.key]();
            }
        });
    }

    document.addEventListener("DOMContentLoaded", start);
})();
