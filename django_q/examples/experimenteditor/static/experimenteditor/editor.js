// Adds rows for commands: each section of the editor holds an empty row in a template, and a button that is hidden
// from those without JavaScript, who get some empty rows instead.

for (const section of document.querySelectorAll("[data-kind]")) {
  const total = section.querySelector(`[name="${section.dataset.kind}-TOTAL_FORMS"]`);
  const button = section.querySelector("[data-add]");
  button.hidden = false;
  button.addEventListener("click", () => {
    const row = document.createElement("div");
    row.innerHTML = section.querySelector("template").innerHTML.replaceAll("__prefix__", total.value);
    total.value = Number(total.value) + 1;
    row.querySelector("legend").textContent += ` ${total.value}`;
    button.before(...row.children);
    button.previousElementSibling.querySelector("input, select").focus();
  });
}
