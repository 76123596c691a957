import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';

import { rankMethods } from '@sallyport/core/engine';
import type { MethodChoice } from '@sallyport/core';
import type { ProviderManifest } from '@sallyport/core/provider';
import { manifest as claude } from '@sallyport/provider-claude';
import { manifest as codex } from '@sallyport/provider-codex';
import { manifest as gemini } from '@sallyport/provider-gemini';
import { fakeVendorScripts, vendorStateSchema } from '@sallyport/testkit/vendors';
import type { FakeVendorScript, VendorState } from '@sallyport/testkit/vendors';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createApi } from '../support/api.ts';
import type { Person } from '../support/person.ts';
import { poll, removeDataDirectory, startDemoServer } from '../support/server.ts';
import type { DemoServer } from '../support/server.ts';
import { signInAnywhere } from '../support/sign-in-anywhere.ts';

/**
 * Every provider by every method its manifest declares, with the real CLI: one user's way from the login to the
 * logout. What a CLI cannot do is not in its manifest, so there is nothing to leave out here, and a method that comes
 * to a manifest is gone through without a word in this file.
 */
const manifests: readonly ProviderManifest[] = [claude, codex, gemini];

let server: DemoServer;

beforeAll(async () => {
  server = await startDemoServer({ config: 'e2e/configs/fake-vendors.config.ts' });
});

afterAll(async () => {
  await server?.stop();
  if (server) await removeDataDirectory(server.dataDirectory);
});

it('covers every provider that is configured, and each has a vendor', async () => {
  const { body } = await createApi(server.origin).get('/api/providers');
  const configured = body.map(({ id }: { readonly id: string }) => id).toSorted();
  expect(manifests.map(({ id }) => id).toSorted()).toEqual(configured);
  expect(fakeVendorScripts.map(({ provider }) => provider).toSorted()).toEqual(configured);
});

describe.each(manifests)('$title', (manifest) => {
  describe.each(everyChoice(manifest))('by $method.id', (way) => {
    const script = scriptOf(manifest);
    const userId = `${manifest.id}-${way.method.id}`;
    const items = manifest.credentials.filter(({ id }) => way.gives.includes(id));
    const givesTokens = items.some((item) => item.as === 'file' && item.rotates);
    const person: Person = {
      userId,
      get server() {
        return server;
      },
      get api() {
        return createApi(server.origin);
      },
    };
    const prompt = (text: string) => person.api.prompt({ userId, provider: manifest.id, prompt: text });
    const credential = async () => (await person.api.get(`/api/credentials?userId=${userId}`)).body[0];
    const machines = async () => (await person.api.get(`/api/vms?userId=${userId}`)).body;

    it('logs in, and the credential is stored', async () => {
      const answers = script.answers?.((await server.internet.state())[script.name]) ?? {};
      const ended = await signInAnywhere(person, { provider: manifest.id, way, answers });
      expect(ended).toMatchObject({ status: 'completed', errorCode: null });
      expect(await credential()).toMatchObject({ provider: manifest.id, valid: true, version: 1 });
      expect(await machines()).toEqual([]);
    });

    it('puts it into a machine that has never seen it, where a prompt streams its answer', async () => {
      const run = await prompt('What is a sally port?');
      expect(run.end).toMatchObject({ outcome: 'completed' });
      expect(run.text).toContain('You said: What is a sally port?');
      expect(await machines()).toHaveLength(1);
    });

    // What nobody refreshes has no such test: a key, or a token that lasts a year.
    if (givesTokens) {
      it('refreshes a token that has ended, and writes it back', async () => {
        const { version } = await credential();
        const { id, refreshes } = await lastFamily(script);
        await server.internet.setFaults({ [script.name]: { accessExpiredBefore: Date.now() } });
        const run = await prompt('Say hello after a refresh.');
        expect(run.end).toMatchObject({ outcome: 'completed' });
        const after = await poll('the refreshed credential to be stored', async () => {
          const stored = await credential();
          return stored.version > version ? stored : undefined;
        });
        expect(after.valid).toBe(true);
        const family = await lastFamily(script);
        expect(family).toMatchObject({ id, revokedBecause: null });
        expect(family.refreshes).toBeGreaterThan(refreshes);
      });
    }

    it('logs out, and nothing of it is left in the machine', async () => {
      // Some CLIs take a key from the same file.
      if (givesTokens) expect(await filesOf(manifest)).not.toEqual([]);
      expect((await person.api.remove(`/api/credentials/${manifest.id}?userId=${userId}`)).status).toBe(200);
      expect(await credential()).toBeUndefined();
      expect(await filesOf(manifest)).toEqual([]);
      await expect(prompt('Is anybody there?')).rejects.toThrow('CREDENTIAL_NOT_CONNECTED');
      for (const { vmId } of await machines()) await person.api.post(`/api/vms/${vmId}/destroy?userId=${userId}`);
      expect(await machines()).toEqual([]);
    });
  });
});

/** Each method once: on the desktop only if the CLI picks its own callback port. */
function everyChoice({ logins, credentials }: ProviderManifest): readonly MethodChoice[] {
  const features = { desktop: true, loopback: 'forwarded', hibernate: false, isolation: '' } as const;
  const { choices } = rankMethods({ methods: logins, credentials, prefer: 'desktop', features });
  return choices.filter(({ method, display }) => {
    if (!('callback' in method) || !method.callback) return true;
    return display === (method.callback.ports.length > 0 ? 'local' : 'desktop');
  });
}

function scriptOf({ id }: ProviderManifest): FakeVendorScript {
  const script = fakeVendorScripts.find(({ provider }) => provider === id);
  if (!script) throw new Error(`Nothing plays the vendor of ${id}.`);
  return script;
}

/** The tokens of the login that was made last. */
async function lastFamily({ name }: FakeVendorScript): Promise<VendorState['families'][number]> {
  const { families } = vendorStateSchema.parse((await server.internet.state())[name]);
  const family = families.at(-1);
  if (!family) throw new Error(`Nobody has logged in at ${name}.`);
  return family;
}

/** Secret files of a provider, in whatever machine there is. */
async function filesOf({ credentials }: ProviderManifest): Promise<readonly string[]> {
  const names = credentials.flatMap((item) =>
    item.as === 'file' && item.role === 'secret' ? [basename(item.paths.cli)] : [],
  );
  const all = await readdir(join(server.dataDirectory, 'machines'), { recursive: true });
  return all.filter((path) => names.includes(basename(path)));
}
