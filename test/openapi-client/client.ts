import createClient from 'openapi-fetch';

import type { components, paths } from './schema.d.ts';

/** Run by a test with the server's address. Types and requests are those of the generated client, with nothing repaired by hand. */
const [baseUrl = ''] = process.argv.slice(2);
const { DELETE, GET, POST } = createClient<paths>({ baseUrl });

type PromptEvent = components['schemas']['PromptEvent'];

const providers = await GET('/api/providers', {});
console.log(providers.data?.map(({ id, connected }) => `${id} ${connected}`));

const refused = await POST('/api/auth/start', { body: { provider: 'nobody' } });
console.log(refused.error?.code, refused.response.status);

const prompt = await POST('/api/vm/cli/prompt', {
  body: { provider: 'fake', prompt: 'Say hello.' },
  params: { header: { 'idempotency-key': 'once' } },
  parseAs: 'text',
});
// The document names the schema of each event; a stream of them is text to a generated client.
const stream = String(prompt.data);
for (const [, data = ''] of stream.matchAll(/^data: (.*)$/gm)) {
  const event: PromptEvent = JSON.parse(data);
  if (event.type === 'text') console.log(event.text);
  if (event.type === 'prompt-end') console.log(event.outcome);
}

const path = { provider: 'fake' };
const gone = await DELETE('/api/credentials/{provider}', { params: { path } });
console.log(gone.data?.vendorRevoked);
