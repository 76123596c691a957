import { readFile, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';

import {
  createCliWorld,
  createFakeOauth,
  installCli,
  signInAsUser,
  type CliWorld,
  type FakeOauth,
} from '@sallyport/testkit/vendors';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { vendor } from '../../examples/custom-provider/src/__fixtures__/vendor.ts';
import { provider } from '../../examples/custom-provider/src/index.ts';
import { cliCache } from '../support/cache.ts';
import { HANG_LIMIT_MS } from '../support/hang-limit.ts';

/** Recordings show what one release printed; this shows that the real thing still does, without an account. */

let executable: string;
let github: FakeOauth;
let world: CliWorld;

beforeAll(async () => {
  executable = await installCli(provider.manifest, { cache: cliCache, signal: AbortSignal.timeout(HANG_LIMIT_MS) });
});

beforeEach(async () => {
  github = createFakeOauth(vendor, { wordDelayMs: 0 });
  const directory = await mkdtemp(join(tmpdir(), 'oc-'));
  world = await createCliWorld({ provider, executable, sites: github.sites, directory });
});

afterEach(() => world.close());

describe('the real opencode against a vendor made from a table', () => {
  it('logs in with a device code, and answers, goes on, and runs what the tool policy allows', async () => {
    const { result, urls, sent } = await logIn('approve');
    expect({ result, urls, sent }).toEqual({
      result: 'finished',
      urls: ['https://github.com/login/device'],
      sent: ['\r'],
    });
    const { auth = '' } = await world.credential();
    expect(auth).toContain(github.canary);

    const first = await world.prompt('how are you?');
    expect(first).toMatchObject({ end: { outcome: 'completed' }, answer: expect.stringContaining('how are you?') });
    const written = await world.prompt("[[write note.txt: it is 5 o'clock]]", {
      tools: 'full',
      ...(first.conversation !== undefined && { session: first.conversation }),
    });
    expect(written).toMatchObject({ conversation: first.conversation, answer: 'I have written note.txt.' });
    expect(await readFile(join(world.home, 'work/note.txt'), 'utf8')).toBe("it is 5 o'clock\n");
    for (const tools of ['read-only', 'workspace'] as const) {
      const refused = await world.prompt('[[write other.txt: no]]', { tools });
      expect(refused.events).toContainEqual(expect.objectContaining({ type: 'tool-end', ok: false }));
    }
    await expect(readFile(join(world.home, 'work/other.txt'))).rejects.toThrow('ENOENT');
    expect(github.state().families).toMatchObject([{ scope: 'read:user', usedBy: ['m-test'], revokedBecause: null }]);
    expect(inspect(world.internet.log(), { depth: 9 })).not.toContain(github.canary);
  });

  it('leaves no credential when the user denies', async () => {
    expect(await logIn('deny')).toMatchObject({ result: 'LOGIN_DENIED' });
    expect(await world.credential()).toEqual({});
  });

  it('says that a token the vendor no longer takes needs a new login', async () => {
    await logIn('approve');
    github.control.setFaults({ api401: true });
    const { end, stdout } = await world.prompt('hello');
    expect(end).toMatchObject({ outcome: 'failed', message: 'The access token is to be refused.' });
    const rule = provider.manifest.prompt.reloginNeeded[0];
    expect(rule && 'pattern' in rule && new RegExp(rule.pattern, 'm').test(stdout)).toBe(true);
  });
});

function logIn(decision: 'approve' | 'deny'): ReturnType<CliWorld['logIn']> {
  return world.logIn('device-code', async (shown) => {
    await signInAsUser(github, world.browse, { ...shown, decision });
    return {};
  });
}
