import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { systemClock } from '@sallyport/core';
import { buildArgv, buildRpcRun, credentialEnvironment, settingsFor } from '@sallyport/core/engine';
import type { RpcRun } from '@sallyport/core/protocol';
import type { Provider } from '@sallyport/core/provider';
import { createUserNetwork } from '@sallyport/machines';
import { provider as claude } from '@sallyport/provider-claude';
import { provider as codex } from '@sallyport/provider-codex';
import { provider as gemini } from '@sallyport/provider-gemini';
import {
  createFakeAnthropic,
  createFakeGoogle,
  createFakeInternet,
  createFakeOpenai,
} from '@sallyport/testkit/vendors';
import type { FakeInternet, FakeVendor, VendorState } from '@sallyport/testkit/vendors';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { messageRun } from '../../packages/core/src/prompts/resident-run.ts';
import { watchMemory } from '../support/guest-memory.ts';
import { runInGuest } from '../support/guest-run.ts';
import { bootToken, cliBoot, shellClis, startGuest, untilHealthy } from '../support/guest.ts';
import type { Guest } from '../support/guest.ts';
import { machineImages } from '../support/images.ts';

/**
 * Machines with as much memory as their providers' manifests ask for, in which each real CLI answers a prompt that runs a command,
 * one after the other. Prints what they take. On an emulated processor each prompt takes minutes.
 */

const { signal } = new AbortController();
/** What a CLI machine has at least, whatever its providers need. */
const LEAST_MB = 384;

interface Connected {
  readonly provider: Provider;
  readonly vendor: FakeVendor<VendorState>;
}

const all: readonly Connected[] = [
  { provider: gemini, vendor: createFakeGoogle({ wordDelayMs: 0 }) },
  { provider: claude, vendor: createFakeAnthropic({ wordDelayMs: 0 }) },
  { provider: codex, vendor: createFakeOpenai({ wordDelayMs: 0 }) },
];
const needsOf = ({ provider }: Connected): number => provider.manifest.needs.memoryMb;

describe.each([
  ['the least memory', all.filter((each) => needsOf(each) <= LEAST_MB)],
  ['as much memory as all providers together ask for', all],
])('a machine with %s', (_, connected) => {
  const memoryMb = Math.max(LEAST_MB, ...connected.map(needsOf));
  let folder: string;
  let internet: FakeInternet;
  let guest: Guest;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sp-e2e-'));
    const sites = Object.assign({}, ...connected.map(({ vendor }) => vendor.sites));
    internet = await createFakeInternet({ directory: join(folder, 'net'), sites });
    guest = await startCliGuest({ folder, internet, memoryMb });
    await untilHealthy(guest);
  });

  afterAll(async () => {
    await guest?.[Symbol.asyncDispose]();
    await internet?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it.each(connected.map((each) => [each.provider.manifest.title, each] as const))(
    'is enough for %s',
    async (title, { provider, vendor }) => {
      const [answer, taken] = await watchMemory(guest, bootToken, () => prompt(guest, provider, vendor.state().apiKey));
      console.log(`${title} in a machine of ${memoryMb} MB: ${JSON.stringify(taken)}`);
      expect(answer).toContain('I have written note.txt.');
      expect(taken.oomKills).toBe(0);
    },
    900_000,
  );
});

interface CliGuest {
  readonly folder: string;
  readonly internet: FakeInternet;
  readonly memoryMb: number;
}

async function startCliGuest({ folder, internet, memoryMb }: CliGuest): Promise<Guest> {
  const { kernel, cli } = await machineImages();
  const route = await internet.open(
    {
      machineId: 'm-memory',
      userId: 'u-test',
      purpose: 'work',
      hosts: all.flatMap(({ provider }) => provider.manifest.egress.cli),
      identity: { userId: 'u-test' },
    },
    { signal },
  );
  const network = createUserNetwork({ dataDirectory: await mkdtemp(join(folder, 'data-')), clock: systemClock });
  const place = await network.attach('m-memory', { egressSocket: route.socketPath, signal });
  const boot = cliBoot('m-memory', {
    egress: { ...place.egress },
    certificateAuthority: internet.certificateAuthority,
    clis: {
      ...shellClis,
      ...Object.fromEntries(all.map(({ provider: { manifest } }) => [manifest.id, `/opt/cli/${manifest.id}`])),
    },
  });
  return startGuest({ folder: await mkdtemp(join(folder, 'guest-')), kernel, root: cli, memoryMb, boot, place });
}

/** A prompt with an API key, and what the CLI answered. */
async function prompt(guest: Guest, { manifest, parse }: Provider, key: string): Promise<string> {
  const values = { api_key: key };
  const { credentials, cli } = manifest;
  const asked = { tools: 'full', session: undefined } as const;
  const rpc = patient(buildRpcRun(manifest.prompt, asked));
  const shown = await runInGuest(guest, bootToken, {
    provider: manifest.id,
    cli: { ...cli, settings: settingsFor(cli.settings, credentials, values) },
    argv: buildArgv(manifest.prompt, asked),
    prompt: '[[write note.txt: two doors]]',
    ...(rpc && { rpc }),
    ...messageRun(manifest, asked),
    env: credentialEnvironment(credentials, values),
  });
  let state = parse?.initial();
  let answer = '';
  for (const event of shown) {
    const step = parse?.step(
      state,
      event.type === 'exit' ? { type: 'exit', code: event.code, signal: event.signal } : event,
    );
    state = step?.state;
    for (const { type, ...rest } of step?.events ?? []) if (type === 'text' && 'text' in rest) answer += rest.text;
  }
  return answer === '' ? JSON.stringify(shown) : answer;
}

/** A processor that is emulated takes many times as long; how long an answer takes is not looked at here. */
function patient(rpc: RpcRun | undefined): RpcRun | undefined {
  const steps = rpc?.steps.map((step) =>
    step.do.kind === 'request' ? { ...step, do: { ...step.do, replyWithinMs: 10 * 60_000 } } : step,
  );
  return rpc && steps && { ...rpc, steps };
}
