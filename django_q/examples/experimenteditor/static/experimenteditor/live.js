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
  let answer;
  try {
    answer = await fetch(element.dataset.live);
  } catch {
    return; // The server is away; a later look may find it.
  }
  if (answer.redirected) return location.reload(); // Logged out: the page itself leads to the login.
  if (!answer.ok) return;
  const text = await answer.text();
  if (text !== element.liveText) element.innerHTML = element.liveText = text;
}

for (const element of document.querySelectorAll("[data-live]")) keepUpToDate(element);
