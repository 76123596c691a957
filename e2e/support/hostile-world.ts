import { randomBytes, randomUUID } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

import { agentBundle } from '@sallyport/agent';
import { createSallyport, Secret, systemClock } from '@sallyport/core';
import { createLocalKeyRing } from '@sallyport/core/key-ring';
import { createMemoryStore } from '@sallyport/core/store';
import type { Sallyport, LoginEvent } from '@sallyport/core';
import type { Provider } from '@sallyport/core/provider';
import type { SessionRecord } from '@sallyport/core/store';
import { connectAgent, createCallbackPorts, createProcessDriver } from '@sallyport/machines';
import { fakeCliExecutable } from '@sallyport/testkit';
import { createFakeInternet } from '@sallyport/testkit/vendors';
import type { FakeInternet, Site } from '@sallyport/testkit/vendors';

import { processesOf } from '../../test/server/sallyport-process.ts';

/** The whole application on real machines with the real agent; only the vendors and the database are fake. */
export interface HostileWorld extends AsyncDisposable {
  readonly app: Sallyport;
  readonly internet: FakeInternet;
  /** Starts a login for a new user. */
  start(provider: string, method: string): Promise<SessionRecord>;
  /** Goes through a login as a user would, to its end. */
  follow(sessionId: string, person?: Person): Promise<SessionRecord>;
  /** What there is of a login: a stored credential, its machine, a process in it. Each CLI is for one login at a time. */
  leftovers(sessionId: string): Promise<readonly string[]>;
}

export interface Person {
  /** What they type when they have a link and are asked for a code. Default: they do nothing, ever. */
  readonly code?: (link: string) => Promise<string>;
  /** Called with each change. */
  readonly sees?: (event: LoginEvent) => Promise<void>;
}

export interface HostileWorldOptions {
  /** Each with the directory of its CLI, or with a shell script that takes the place of it. */
  readonly providers: readonly { readonly provider: Provider; readonly folder?: string; readonly script?: string }[];
  readonly sites: Readonly<Record<string, Site>>;
}

export async function createHostileWorld({ providers, sites }: HostileWorldOptions): Promise<HostileWorld> {
  const directory = await mkdtemp(join(tmpdir(), 'sp-hostile-'));
  await chmod(directory, 0o711);
  const folders = new Map<string, string>();
  const markOf = (id: string): string => `${basename(directory)} ${id} `;
  for (const { provider, folder, script = 'exit 1' } of providers) {
    const { id } = provider.manifest;
    folders.set(id, folder ?? (await writeScript(join(directory, 'clis', id), script)));
  }
  const internet = await createFakeInternet({ directory: join(directory, 'net'), sites });
  const bundle = agentBundle();
  const driver = await createProcessDriver({
    dataDirectory: directory,
    clock: systemClock,
  });
  const store = createMemoryStore({ clock: systemClock });
  const app = createSallyport({
    providers: providers.map(({ provider }) => marked(provider, markOf(provider.manifest.id))),
    driver,
    store,
    keyRing: createLocalKeyRing({ keys: { once: new Secret(new Uint8Array(randomBytes(32))) }, current: 'once' }),
    egress: internet,
    connectAgent,
    agent: bundle,
    installCli: async ({ id }) => folders.get(id) ?? '',
    callbackPorts: createCallbackPorts(),
  });
  await app.start();

  return {
    app,
    internet,
    start: (provider, method) => app.logins.start({ userId: randomUUID(), externalId: null, provider, method }),
    async follow(sessionId, { code, sees } = {}) {
      let [link, asked] = ['', ''];
      for await (const { event } of app.logins.events(sessionId, 0, new AbortController().signal)) {
        await sees?.(event);
        if (event.type === 'url') link = event.data.url;
        if (event.type === 'prompt') {
          const { promptId } = event.data;
          if (promptId !== 'still_there') asked = promptId;
          else if (code) await app.logins.answer(sessionId, promptId, 'yes');
        }
        // Either may come first.
        if (code === undefined || link === '' || asked === '') continue;
        await app.logins.answer(sessionId, asked, await code(link));
        asked = '';
      }
      return app.logins.get(sessionId);
    },
    async leftovers(sessionId) {
      const { userId, provider, browserMachineId } = await app.logins.get(sessionId);
      if (browserMachineId === null) throw new Error('This login never had a machine.');
      const stored = await store.credentials.current(userId, provider);
      const rows = (await store.machines.list()).filter(({ machineId }) => machineId === browserMachineId);
      const machines = (await driver.list()).filter(({ machineId }) => machineId === browserMachineId);
      return [
        ...(stored ? ['a credential'] : []),
        ...rows.flatMap(({ state }) => (state === 'destroyed' ? [] : [`a machine that is ${state}`])),
        ...machines.map(() => 'what a machine is made of'),
        ...(processesOf(markOf(provider)).length > 0 ? ['a process of the CLI'] : []),
      ];
    },
    async [Symbol.asyncDispose]() {
      await app.close();
      await internet.close();
      await rm(directory, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** Every program that this CLI starts inherits the mark: so it is known by it, in whatever namespace it runs. */
function marked({ manifest, ...functions }: Provider, mark: string): Provider {
  const cli = { ...manifest.cli, env: { ...manifest.cli.env, SALLYPORT_TEST_MARK: mark } };
  return { ...functions, manifest: { ...manifest, cli } };
}

async function writeScript(folder: string, script: string): Promise<string> {
  const program = join(folder, fakeCliExecutable);
  await mkdir(dirname(program), { recursive: true });
  await writeFile(program, `#!/bin/sh\n${script}\n`);
  await chmod(program, 0o755);
  return folder;
}
