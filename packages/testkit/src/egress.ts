import { existsSync } from 'node:fs';

import type { Egress, EgressIdentity, EgressRoute, NetworkPlan } from '@sallyport/core/egress';

import { connectRequest, sendRaw } from './egress-suite/machine-side.ts';
import type { TestRunner } from './runner.ts';

/** An egress to be tested, with a site behind it. */
export interface EgressUnderTest {
  readonly egress: Egress;
  /** A name that leads to the site, which writes a line with the address it was reached from, and then echoes. */
  readonly host: string;
  /** A name that is on nobody's list, and leads to the site too. */
  readonly otherHost: string;
  /** A name whose address lies in the host's own network. */
  readonly privateHost: string;
  /** Two users, and the address the site sees of each. */
  readonly people: readonly [Person, Person];
  /** Takes away what the egress leads to or through. */
  breakUpstream(): Promise<void>;
  /** How many connections have arrived at the site. */
  arrivals(): number;
  cleanUp(): Promise<void>;
}

interface Person {
  readonly identity: EgressIdentity;
  readonly seenAs: string;
}

const TIMEOUT_MS = 30_000;
const never = new AbortController().signal;

/**
 * What every egress has to do. Each test gets a new one from `create`.
 *
 * @example
 * describeEgress('mine', createMyEgress, { describe, it, expect });
 */
export function describeEgress(name: string, create: () => Promise<EgressUnderTest>, runner: TestRunner): void {
  const { expect } = runner;

  function test(title: string, body: (subject: EgressUnderTest) => Promise<void>): void {
    const run = async (): Promise<void> => {
      const subject = await create();
      try {
        await body(subject);
      } finally {
        await subject.egress.close?.();
        await subject.cleanUp();
      }
    };
    runner.it(title, run, TIMEOUT_MS);
  }

  runner.describe(`the egress ${name}`, () => {
    test('leads to an allowed host, and both directions flow', async (subject) => {
      const [{ seenAs }] = subject.people;
      const route = await open(subject);
      const tunnel = sendRaw(route.socketPath, connectRequest(`${subject.host.toUpperCase()}:443`));
      const greeting = await tunnel.until(`${seenAs}\n`);
      expect(greeting.startsWith('HTTP/1.1 200 ')).toBe(true);
      tunnel.socket.write('over and back');
      await tunnel.until('over and back');
      await route.close();
      await tunnel.ended;
    });

    test('refuses every other host, port and address, and says which', async (subject) => {
      const refused: string[] = [];
      const route = await open(subject, refused);
      const { host, otherHost } = subject;
      for (const authority of [
        `${otherHost}:443`,
        `${host}:80`,
        `x.${host}:443`,
        `${host}.evil.test:443`,
        '1.1.1.1:443',
      ]) {
        const answer = await sendRaw(route.socketPath, connectRequest(authority)).ended;
        expect(/^HTTP\/1\.1 4\d\d /.test(answer), `${authority} was answered ${answer}`).toBe(true);
      }
      expect(subject.arrivals()).toBe(0);
      expect(refused[0]).toBe(otherHost);
      await route.close();
    });

    test('understands nothing but CONNECT', async (subject) => {
      const route = await open(subject);
      const { host } = subject;
      const answer = await sendRaw(route.socketPath, `GET http://${host}/ HTTP/1.1\r\nHost: ${host}\r\n\r\n`).ended;
      expect(/^HTTP\/1\.1 4\d\d /.test(answer)).toBe(true);
      expect(subject.arrivals()).toBe(0);
      await route.close();
    });

    test("never leads into the host's own network, also where the name is allowed", async (subject) => {
      const route = await open(subject);
      const answer = await sendRaw(route.socketPath, connectRequest(`${subject.privateHost}:443`)).ended;
      expect(/^HTTP\/1\.1 4\d\d /.test(answer)).toBe(true);
      expect(subject.arrivals()).toBe(0);
      await route.close();
    });

    test('shows each of two users at once as themselves, every time', async (subject) => {
      const routes = await Promise.all(
        subject.people.map(({ identity }, index) => open(subject, [], { identity, machineId: `m-person-${index}` })),
      );
      for (let round = 0; round < 3; round += 1) {
        const tunnels = routes.map((route) => sendRaw(route.socketPath, connectRequest(`${subject.host}:443`)));
        for (const [index, { seenAs }] of subject.people.entries()) await tunnels[index]?.until(`\r\n\r\n${seenAs}\n`);
        for (const { socket } of tunnels) socket.destroy();
      }
      await Promise.all(routes.map((route) => route.close()));
    });

    test('lets nothing out another way when what it depends on is gone, and says so', async (subject) => {
      await subject.breakUpstream();
      const refused: string[] = [];
      const route = await open(subject, refused);
      const answer = await sendRaw(route.socketPath, connectRequest(`${subject.host}:443`)).ended;
      expect(/^HTTP\/1\.1 5\d\d /.test(answer)).toBe(true);
      expect(refused).toEqual([subject.host]);
      expect(subject.arrivals()).toBe(0);
      await route.close();
    });

    test('opened ahead, leads nowhere until it is assigned, and is assigned once', async (subject) => {
      const { egress, host } = subject;
      if (!egress.reserve) return;
      const reserved = await egress.reserve('m-ahead', { signal: never });
      expect(/^HTTP\/1\.1 4\d\d /.test(await sendRaw(reserved.socketPath, connectRequest(`${host}:443`)).ended)).toBe(
        true,
      );
      const plan = planFor(subject, { machineId: 'm-ahead' });
      const route = await reserved.assign(plan, { signal: never });
      expect(route.socketPath).toBe(reserved.socketPath);
      await expect(reserved.assign(plan, { signal: never })).rejects.toMatchObject({ code: 'EGRESS_FAILED' });
      const tunnel = sendRaw(route.socketPath, connectRequest(`${host}:443`));
      await tunnel.until(`${subject.people[0].seenAs}\n`);
      await route.close();
      await tunnel.ended;
    });

    test('closes with every connection in it, leaves no socket, and can be closed twice', async (subject) => {
      const route = await open(subject);
      const tunnel = sendRaw(route.socketPath, connectRequest(`${subject.host}:443`));
      await tunnel.until('200');
      await route.close();
      await tunnel.ended;
      await route.close();
      expect(existsSync(route.socketPath)).toBe(false);
    });
  });
}

function open(
  subject: EgressUnderTest,
  refused: string[] = [],
  change: Partial<NetworkPlan> = {},
): Promise<EgressRoute> {
  return subject.egress.open(planFor(subject, change), { signal: never, onRefused: (host) => void refused.push(host) });
}

function planFor(
  { host, privateHost, people: [{ identity }] }: EgressUnderTest,
  change: Partial<NetworkPlan>,
): NetworkPlan {
  const { userId } = identity;
  return { machineId: 'm-one', userId, purpose: 'work', hosts: [host, privateHost], identity, ...change };
}
