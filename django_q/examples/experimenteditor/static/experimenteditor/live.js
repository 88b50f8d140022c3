// Keeps every [data-live] element up to date: fetches its address again and again and shows the answer, until the
// answer contains an element with data-final.

const PAUSE = 1000; // milliseconds

async function keepUpToDate(element) {
  while (!element.querySelector("[data-final]")) {
    await new Promise((resume) => setTimeout(resume, PAUSE));
    if (!document.hidden) await refresh(element);
  }
}

async function refresh(element) {
  let answer, text;
  try {
    answer = await fetch(element.dataset.live);
    text = await answer.text();
  } catch {
    return; // The server is away; a later look may find it.
  }
  if (answer.redirected) return location.reload(); // Logged out: the page itself leads to the login.
  if (!answer.ok || text === element.liveText) return;
  const focused = element.contains(document.activeElement) ? document.activeElement.id : "";
  element.innerHTML = element.liveText = text;
  if (focused) document.getElementById(focused)?.focus();
}

for (const element of document.querySelectorAll("[data-live]")) keepUpToDate(element);
