import { manifest, provider } from '@sallyport/provider-claude';
import { createEgressClient, createFakeAnthropic } from '@sallyport/testkit/vendors';
import type { EgressResponse, FakeAnthropic } from '@sallyport/testkit/vendors';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { signIn } from '../support/cli-person.ts';
import { ensureCli } from '../support/ensure-cli.ts';
import { HANG_LIMIT_MS } from '../support/hang-limit.ts';
import { createHostileWorld } from '../support/hostile-world.ts';
import type { HostileWorld } from '../support/hostile-world.ts';

/** Bad answers of a vendor to the real CLI: each ends the login with a distinct error, no credential and no machine. */

let anthropic: FakeAnthropic;
let world: HostileWorld;

beforeAll(async () => {
  const { directory } = await ensureCli(manifest);
  anthropic = createFakeAnthropic({ wordDelayMs: 0 });
  world = await createHostileWorld({ providers: [{ provider, folder: directory }], sites: anthropic.sites });
});
afterAll(async () => world?.[Symbol.asyncDispose]());

const noCredential = /^Anthropic did not give Claude Code a credential for this sign-in\.$/;
const notComplete = 'The CLI said that the login is complete, but its credential is not: ';

const rows = {
  'an error': { faults: { tokenStatus: 500 }, code: 'LOGIN_FAILED', says: noCredential },
  'half of the JSON': { faults: { tokenBody: 'truncated' }, code: 'LOGIN_FAILED', says: noCredential },
  'no scope': {
    faults: { tokenBody: 'no-scope' },
    code: 'CREDENTIAL_INCOMPLETE',
    says: new RegExp(`^${notComplete}.*missing /claudeAiOauth/accessToken`),
  },
  'a token of 10 MB': {
    faults: { tokenBody: 'huge' },
    code: 'CREDENTIAL_INCOMPLETE',
    says: new RegExp(`^${notComplete}.*larger than 256 KiB`),
  },
} as const;

describe('a vendor that answers a good code with', () => {
  it.each(Object.entries(rows))('%s', async (_name, { faults, code, says }) => {
    anthropic.control.setFaults({ tokenStatus: null, tokenBody: null, ...faults });
    const { sessionId } = await world.start(provider.manifest.id, 'paste-code');
    const ended = await world.follow(sessionId, { code: readCode });
    expect(ended).toMatchObject({ status: 'failed', errorCode: code, authUrl: null });
    expect(ended.errorMessage).toMatch(says);
    expect(ended.errorHint).toMatch(/(Start|Log in) again/);
    expect(await world.leftovers(sessionId)).toEqual([]);
  });

  it('whole tokens logs in', async () => {
    anthropic.control.setFaults({ tokenStatus: null, tokenBody: null });
    const { sessionId } = await world.start(provider.manifest.id, 'paste-code');

    expect(await world.follow(sessionId, { code: readCode })).toMatchObject({ status: 'completed' });
    expect(await world.leftovers(sessionId)).toEqual(['a credential']);
  });

  it("whole tokens logs in at a port of the CLI's choice too, from a browser that is not in the machine", async () => {
    const { sessionId } = await world.start(provider.manifest.id, 'browser:local');
    let status = 0;
    const ended = await world.follow(sessionId, {
      sees: async (event) => {
        if (event.type !== 'url') return;
        const back = await withBrowser((browse) => signIn({ browse }, anthropic, event.data.url));
        ({ status } = await fetch(back, { redirect: 'manual' }));
      },
    });
    expect(ended).toMatchObject({ status: 'completed' });
    expect(status).toBeGreaterThan(0);
    expect(status).toBeLessThan(400);
    expect(await world.leftovers(sessionId)).toEqual(['a credential']);
  });
});

type Browse = (url: string, form?: Readonly<Record<string, string>>) => Promise<EgressResponse>;

/** Signs in at a link, and reads the code off the page that comes then. */
function readCode(link: string): Promise<string> {
  return withBrowser(async (browse) => {
    const shown = await browse(await signIn({ browse }, anthropic, link));
    return /<p>([^<]+#[^<]+)<\/p>/.exec(shown.body)?.[1] ?? '';
  });
}

/** The user's own browser, outside the login machine. */
async function withBrowser<T>(use: (browse: Browse) => Promise<T>): Promise<T> {
  const { signIn: hosts } = manifest.egress;
  const route = await world.internet.open(
    { machineId: 'm-person', userId: 'u', purpose: 'sign-in', hosts, identity: { userId: 'u' } },
    { signal: AbortSignal.timeout(HANG_LIMIT_MS) },
  );
  const visit = createEgressClient(route);
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  try {
    return await use((url, form) =>
      visit(url, form && { method: 'POST', headers, body: new URLSearchParams(form).toString() }),
    );
  } finally {
    await route.close();
  }
}
