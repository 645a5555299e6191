// Requests to the API: one, or a flood of them. What became of them comes by the live stream.

const FLOOD_MS = 4000;
const EVERY_MS = 50;

export async function search(key) {
  const headers = key === null ? {} : {'X-API-Key': key};
  try {
    const response = await fetch('/api/search', {headers, cache: 'no-store'});
    return response.status;
  } catch {
    return 0; // the server has gone, or the page is being left
  }
}

// Makes a button start a flood, and stop it; returns what starts it otherwise.
export function flooding(button, key) {
  let timer;
  const stop = () => {
    clearInterval(timer);
    timer = undefined;
    button.setAttribute('aria-pressed', 'false');
  };
  const start = () => {
    if (timer !== undefined) return;
    const end = performance.now() + FLOOD_MS;
    button.setAttribute('aria-pressed', 'true');
    timer = setInterval(() => (performance.now() < end ? search(key) : stop()), EVERY_MS);
  };
  button.addEventListener('click', () => (timer === undefined ? start() : stop()));
  return start;
}
