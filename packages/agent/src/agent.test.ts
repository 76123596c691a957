import { symlink, mkdir, readFile, rename, truncate, writeFile } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';

import { agentEventSchema } from '@sallyport/core/protocol';
import { describe, expect, it } from 'vitest';

import { until } from '../../../test/setup/until.ts';
import { createPatientClock } from './__fixtures__/patient-clock.ts';
import { credential, items, provider, readEvents, startTestAgent } from './__fixtures__/test-agent.ts';
import type { TestAgent } from './__fixtures__/test-agent.ts';

const path = (agent: TestAgent): string => join(agent.home, '.fake', 'auth.json');

async function place(agent: TestAgent, text: string): Promise<void> {
  await mkdir(dirname(path(agent)), { recursive: true });
  await writeFile(`${path(agent)}.tmp`, text);
  await rename(`${path(agent)}.tmp`, path(agent));
}

const offers = (agent: TestAgent) =>
  agent.events.flatMap((event) => (event.type === 'credential.offered' ? [event] : []));

describe('watched credentials', () => {
  it('are offered when they are written, each version once, and repeated until acknowledged', async () => {
    const clock = createPatientClock();
    await using agent = await startTestAgent('exit 0', {}, clock);
    await agent.post('/credentials/watch', { provider, items });
    // The watch and the repetition of offers. Neither looks again by itself while this clock stands still.
    await until('both watches to wait', () => clock.pending === 2);
    await place(agent, credential);
    const first = await agent.event('credential.offered');
    expect(first).toEqual({
      type: 'credential.offered',
      offerId: first.offerId,
      provider,
      files: { auth: credential },
    });
    await clock.advance(2000);
    await until('a second offer', () => offers(agent).length >= 2);
    expect(new Set(offers(agent).map((offer) => offer.offerId)).size).toBe(1);
    await agent.post('/credentials/ack', { offerId: first.offerId });
    const rotated = credential.replace('canary-1', 'canary-2');
    await place(agent, rotated);
    await until('the rotated credential', () => offers(agent).some((offer) => offer.files['auth'] === rotated));
  });

  it('are sent again to a receiver that comes back, without what it has seen', async () => {
    await using agent = await startTestAgent('exit 0');
    await agent.post('/credentials/watch', { provider, items });
    await place(agent, '{"tokens":{"refresh":""}}');
    await agent.event('credential.rejected');
    await place(agent, credential);
    await agent.event('credential.offered');
    for (const [lastId, expected] of [
      ['0', ['credential.rejected', 'credential.offered']],
      ['1', ['credential.offered']],
      ['999', ['credential.rejected', 'credential.offered']],
    ] as const) {
      const stream = await agent.open('GET', '/events', undefined, { 'last-event-id': lastId });
      const seen: string[] = [];
      let last = 0;
      for await (const { id, data } of readEvents(stream)) {
        expect(id).toBeGreaterThan(last);
        last = id;
        seen.push(agentEventSchema.parse(data).type);
        if (seen.length === expected.length) break;
      }
      stream.destroy();
      expect(seen).toEqual(expected);
    }
  });

  it.each([
    ['a symbolic link', async (file: string) => symlink('/etc/hostname', file), 'symbolic link'],
    ['a FIFO', async (file: string) => void execFileSync('mkfifo', [file]), 'not an ordinary file'],
    [
      'a file that is too large',
      async (file: string) => {
        await writeFile(file, '');
        await truncate(file, 1e12);
      },
      'larger than 256 KiB',
    ],
    [
      'a blank credential',
      async (file: string) => writeFile(file, '{"tokens":{"refresh":""}}'),
      'missing /tokens/refresh',
    ],
    ['half a credential', async (file: string) => writeFile(file, credential.slice(0, 20)), 'truncated'],
  ])('are not taken from %s', async (_, make, problem) => {
    await using agent = await startTestAgent('exit 0');
    await mkdir(dirname(path(agent)), { recursive: true });
    await make(path(agent));
    await agent.post('/credentials/watch', { provider, items });
    expect(await agent.event('credential.rejected')).toMatchObject({ problem: expect.stringContaining(problem) });
    const capture = await agent.post('/credentials/capture', { provider, items });
    expect(capture).toMatchObject({ status: 404, body: { code: 'CREDENTIAL_INCOMPLETE' } });
    expect(offers(agent)).toEqual([]);
    await place(agent, credential);
    await until('an offer', () => offers(agent).length > 0);
  });

  it('are not taken from behind a link in the middle of the path', async () => {
    await using agent = await startTestAgent('exit 0');
    await mkdir(join(agent.folder, 'elsewhere'));
    await writeFile(join(agent.folder, 'elsewhere', 'auth.json'), credential);
    await symlink(join(agent.folder, 'elsewhere'), join(agent.home, '.fake'));
    expect((await agent.post('/credentials/capture', { provider, items })).status).toBe(404);
  });

  it('can be read at once', async () => {
    await using agent = await startTestAgent('exit 0');
    await place(agent, credential);
    const capture = await agent.post('/credentials/capture', { provider, items });
    expect(capture).toEqual({ status: 200, body: { files: { auth: credential } } });
    expect(await readFile(path(agent), 'utf8')).toBe(credential);
  });
});

describe('a machine without a desktop', () => {
  it('says so when a page is to be shown', async () => {
    await using agent = await startTestAgent('exit 0');
    const answer = await agent.post('/desktop/open', { url: 'https://example.com/' });
    expect(answer).toMatchObject({ status: 501, body: { code: 'MACHINE_UNSUPPORTED' } });
  });
});
