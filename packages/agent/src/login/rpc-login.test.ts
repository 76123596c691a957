import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { credential, loginRequest, provider, signInUrl, startTestAgent } from '../__fixtures__/test-agent.ts';

const url = signInUrl(45_672);
const write = `mkdir -p "$HOME/.fake"; printf '%s' '${credential}' > "$HOME/.fake/tmp"; mv "$HOME/.fake/tmp" "$HOME/.fake/auth.json"`;

const request = (replyWithinMs = 5000) => ({
  ...loginRequest({
    drive: {
      kind: 'json-rpc',
      argv: ['serve'],
      steps: [{ id: 'login', do: { kind: 'request', method: 'login', replyWithinMs } }],
    },
    url: { sources: ['rpc'], hosts: ['id.example.com'], pathPrefixes: ['/authorize'], require: ['state'] },
    success: [{ pattern: '^completed /ok true$' }],
    failure: [
      { when: { pattern: '^completed /ok false$' }, code: 'LOGIN_DENIED', message: 'The sign-in was refused.' },
    ],
    settings: [{ path: '~/.fake/settings.json', content: 'of the method' }],
  }),
});
const link = `read line; echo "$line" > "$HOME/asked"; echo '{"id":"login","result":{"authUrl":"${url}"}}'`;

describe('a login over JSON-RPC', () => {
  it('takes the link from a message, and the credential when the CLI says that it is done', async () => {
    const script = `${link}; ${write}; echo '{"method":"completed","params":{"ok":true}}'; sleep 600`;
    await using agent = await startTestAgent(script);
    expect((await agent.post(`/auth/${provider}`, request())).body).toMatchObject({ oauthUrl: url });
    expect(await agent.event('credential.offered')).toMatchObject({ files: { auth: credential } });
    await agent.event('login.finished');
    expect(JSON.parse(await readFile(join(agent.home, 'asked'), 'utf8'))).toMatchObject({
      id: 'login',
      method: 'login',
    });
    expect(await readFile(join(agent.home, '.fake/settings.json'), 'utf8')).toBe('of the method');
  });

  it.each([
    [`${link}; echo '{"method":"completed","params":{"ok":false}}'; sleep 600`, 'LOGIN_DENIED', 'refused'],
    [
      `read line; echo '{"id":"login","error":{"message":"No such thing"}}'; sleep 600`,
      'LOGIN_FAILED',
      'No such thing',
    ],
    [`${link}; echo 'went wrong' >&2; exit 4`, 'LOGIN_CLI_CRASHED', 'went wrong'],
    [`head -c 20000000 /dev/zero; sleep 600`, 'LOGIN_FAILED', 'more than 16777216 bytes'],
  ])('ends with the CLI at fault: %s', async (script, code, words) => {
    await using agent = await startTestAgent(script);
    void agent.post(`/auth/${provider}`, request());
    expect(await agent.event('login.failed')).toMatchObject({ code, message: expect.stringContaining(words) });
  });

  it('waits for an answer only as long as the step says', async () => {
    await using agent = await startTestAgent('sleep 600');
    void agent.post(`/auth/${provider}`, request(200));
    const { code, message } = await agent.event('login.failed');
    expect([code, message]).toEqual(['LOGIN_FAILED', 'The CLI did not answer the request login in time.']);
  });
});
