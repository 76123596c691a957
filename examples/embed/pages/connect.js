const connect = document.querySelector('sallyport-connect');
const [form, output, events] = ['form', 'output', 'ol'].map((name) => document.querySelector(name));

/** Sends a request to the product's own backend, and returns the text of the answer. */
async function post(path, body) {
  const response = await fetch(path, { method: 'POST', body });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text;
}

// Asked for again when a token has ended.
connect.token = () => post('/token');

connect.addEventListener('sallyport-change', ({ type, detail: { provider, connected } }) =>
  addLine(`${type}: ${provider} is ${connected ? 'connected' : 'not connected'}`),
);
for (const outcome of ['sallyport-connected', 'sallyport-failed', 'sallyport-canceled'])
  connect.addEventListener(outcome, ({ type, detail }) => addLine(`${type}: ${detail.message ?? detail.provider}`));

function addLine(text) {
  const line = document.createElement('li');
  line.textContent = text;
  events.append(line);
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  void ask(new FormData(form).get('prompt'));
});

async function ask(prompt) {
  output.textContent = 'Working…';
  output.textContent = await post('/prompt', prompt).catch((error) => error.message);
}
