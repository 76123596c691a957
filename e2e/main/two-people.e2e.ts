import { describe, expect, it } from 'vitest';

import { createApi } from '../support/api.ts';
import { openBrowser, readCodeFromCanvas, typeIntoCanvas } from '../support/browser.ts';
import { signIn, startLogin, untilEnded, untilPhase, visitSignInPage } from '../support/person.ts';
import type { Person } from '../support/person.ts';
import { machineDirectories, untilNoProcessOf } from '../support/processes.ts';
import { removeDataDirectory, startDemoServer } from '../support/server.ts';
import type { DemoServer } from '../support/server.ts';

/** Codex receives its callback on a fixed port, and a second `codex login` on it ends the first. Here it never does. */
describe('two users who connect Codex at once', () => {
  it.each([
    ['machines on separate networks', 'e2e/configs/codex.config.ts'],
    ["machines that share the host's ports", 'e2e/configs/plain.config.ts'],
  ])(
    'each in their own browser, with %s: the second waits, is told why, and neither is cancelled',
    async (_what, config) => {
      await withServer(config, async (server) => {
        const [first, second] = peopleOf(server);
        const firstId = await startLogin(first, 'browser:local');
        const firstWaits = await untilPhase(first, firstId, 'awaiting-user');
        const secondId = await startLogin(second, 'browser:local');
        const secondEvents: string[] = [];
        const following = second.api.sessionEvents(secondId, ({ phase, message }) => {
          secondEvents.push(`${phase}: ${message}`);
        });
        await untilPhase(second, secondId, 'waiting-for-port');

        await visitSignInPage(first, firstWaits, 'approve');
        expect(await untilEnded(first, firstId)).toMatchObject({ status: 'completed' });
        const secondWaits = await untilPhase(second, secondId, 'awaiting-user');
        await visitSignInPage(second, secondWaits, 'approve');
        expect(await untilEnded(second, secondId)).toMatchObject({ status: 'completed' });
        await following;
        expect(secondEvents.join('\n')).toMatch(/waiting-for-port: Another login is using the same callback port/);

        await bothCanPrompt(server, first, second);
      });
    },
  );

  it('where the one who waits gives up, and the one who comes after them still gets a turn', async () => {
    await withServer('e2e/configs/codex.config.ts', async (server) => {
      const [first, second] = peopleOf(server);
      const third: Person = { ...first, userId: 'carol' };
      const firstId = await startLogin(first, 'browser:local');
      const firstWaits = await untilPhase(first, firstId, 'awaiting-user');
      const secondId = await startLogin(second, 'browser:local');
      await untilPhase(second, secondId, 'waiting-for-port');
      const thirdId = await startLogin(third, 'browser:local');
      await untilPhase(third, thirdId, 'waiting-for-port');
      expect((await second.api.post(`/api/auth/session/${secondId}/cancel`)).status).toBe(204);
      expect(await untilEnded(second, secondId)).toMatchObject({ status: 'cancelled', errorCode: 'LOGIN_CANCELLED' });
      await visitSignInPage(first, firstWaits, 'approve');
      await visitSignInPage(third, await untilPhase(third, thirdId, 'awaiting-user'), 'approve');
      expect(await untilEnded(first, firstId)).toMatchObject({ status: 'completed' });
      expect(await untilEnded(third, thirdId)).toMatchObject({ status: 'completed' });
      await signIn(second);
    });
  });

  it("each in a login machine's own browser: nobody waits", async () => {
    await withServer('e2e/configs/codex.config.ts', async (server) => {
      const [first, second] = peopleOf(server);
      const sessions: [Person, string][] = [
        [first, await startLogin(first, 'browser:desktop')],
        [second, await startLogin(second, 'browser:desktop')],
      ];
      for (const [person, id] of sessions) await untilPhase(person, id, 'awaiting-user');
      const browser = await openBrowser();
      try {
        for (const [person, id] of sessions) {
          const { novncURL } = (await person.api.get(`/api/auth/session/${id}/status`)).body;
          const page = await browser.newPage();
          await page.goto(novncURL);
          await typeIntoCanvas(page, await readCodeFromCanvas(page));
          await page.keyboard.press('Enter');
          expect(await untilEnded(person, id)).toMatchObject({ status: 'completed' });
        }
      } finally {
        await browser.close();
      }
      const { logins } = await server.openai();
      expect(logins.map(({ outcome, strangers }) => ({ outcome, strangers }))).toEqual([
        { outcome: 'approved', strangers: [] },
        { outcome: 'approved', strangers: [] },
      ]);
      expect(new Set(logins.map((login) => login.machineId)).size).toBe(2);
    });
  });
});

function peopleOf(server: DemoServer): readonly [Person, Person] {
  const api = createApi(server.origin);
  return [
    { api, server, userId: 'alice' },
    { api, server, userId: 'bob' },
  ];
}

/** Each user has a separate login, which the vendor has seen only on that user's machine. */
async function bothCanPrompt(server: DemoServer, ...people: readonly Person[]): Promise<void> {
  for (const { api, userId } of people) {
    const run = await api.prompt({ provider: 'codex', prompt: `I am ${userId}.`, userId });
    expect(run.end).toMatchObject({ outcome: 'completed' });
    expect(run.text).toContain(`I am ${userId}.`);
  }
  const { families } = await server.openai();
  expect(families).toHaveLength(people.length);
  expect(families.every((family) => family.revokedBecause === null)).toBe(true);
  const machines = families.flatMap((family) => family.usedBy);
  expect(new Set(machines).size).toBe(machines.length);
  expect(machines.length).toBeGreaterThanOrEqual(people.length);
  expect(await machineDirectories(server.dataDirectory)).toHaveLength(people.length);
}

async function withServer(config: string, test: (server: DemoServer) => Promise<void>): Promise<void> {
  const server = await startDemoServer({ config });
  try {
    await test(server);
  } finally {
    await server.stop();
    await untilNoProcessOf(server.dataDirectory);
    await removeDataDirectory(server.dataDirectory);
  }
}
