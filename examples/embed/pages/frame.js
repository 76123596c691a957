const [button, status, frame, events] = ['button', '[role=status]', 'iframe', 'ol'].map((name) =>
  document.querySelector(name),
);

button.addEventListener('click', () => void logIn());

async function logIn() {
  button.disabled = true;
  try {
    const response = await fetch('/login', { method: 'POST' });
    if (!response.ok) throw new Error(await response.text());
    await readLines(response.body, show);
  } catch (error) {
    status.textContent = error.message;
  }
  button.disabled = false;
}

function show({ type, message, novncURL, status: ended }) {
  if (type === 'screen') {
    // The ticket in its fragment opens the screen once: do not store this URL, and do not open it twice.
    frame.src = novncURL;
    return;
  }
  const line = document.createElement('li');
  line.textContent = `${type}: ${message}`;
  events.append(line);
  if (type === 'done') {
    status.textContent = ended === 'completed' ? 'Connected' : message;
    frame.removeAttribute('src');
  }
}

/** Calls back with each line of JSON as it arrives. */
async function readLines(body, onLine) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const lines = (rest + part.value).split('\n');
    rest = lines.pop();
    for (const line of lines) onLine(JSON.parse(line));
  }
}
