import { hkdfSync } from 'node:crypto';

import { SallyportError, Secret } from '@sallyport/core';
import { createSerialQueue } from '@sallyport/core/driver';
import { createLocalKeyRing } from '@sallyport/core/key-ring';
import type { KeyRing } from '@sallyport/core/key-ring';

import type { TokenKeys } from '../auth/user-token.ts';
import { listMasterKeys, readMasterKey } from './master-key-files.ts';
import type { MasterKeyFiles } from './master-key-files.ts';

/**
 * A local key ring that follows its directory, so that a master key can be replaced while the server runs. Before it seals
 * it looks for a newer current key, and when it meets an id that it does not know, for that key. Throws `CONFIG_INVALID`
 * if a key is unsuitable now; one that is added later is reported to `onProblem`, and the ring goes on with those it has.
 *
 * From the same master keys come those that user tokens are signed with.
 */
export async function openDirectoryKeyRing(
  directory: string,
  onProblem: (error: unknown) => void,
): Promise<{ readonly keyRing: KeyRing; readonly tokenKeys: TokenKeys; readonly current: string }> {
  let loaded = await load(await listMasterKeys(directory), new Map(), (error) => {
    throw error;
  });
  const inTurn = createSerialQueue();

  // It never fails: a credential that a CLI has just rotated must be sealed, whatever lies in the directory.
  const follow = (isNeeded: (files: MasterKeyFiles) => boolean): Promise<void> =>
    inTurn(async () => {
      try {
        const files = await listMasterKeys(directory);
        if (isNeeded(files)) loaded = await load(files, loaded.keys, onProblem);
      } catch (error) {
        onProblem(error);
      }
    });
  const followCurrent = (): Promise<void> =>
    follow(({ ids }) => ids.at(-1) !== undefined && ids.at(-1) !== loaded.current);

  const keyRing: KeyRing = {
    seal: async (plain, binding) => {
      await followCurrent();
      return loaded.ring.seal(plain, binding);
    },
    open: async (sealed, binding) => {
      const isKnown = (): boolean => loaded.keys.has(sealed.keyId);
      if (!isKnown()) await follow(() => !isKnown());
      return loaded.ring.open(sealed, binding);
    },
    rewrap: async (sealed, binding) => {
      await followCurrent();
      return loaded.ring.rewrap(sealed, binding);
    },
  };
  const tokenKeys: TokenKeys = {
    current: async () => {
      await followCurrent();
      const id = loaded.current;
      return { id, key: deriveTokenKey(loaded.keys.get(id)) };
    },
    find: async (id) => {
      const isKnown = (): boolean => loaded.keys.has(id);
      if (!isKnown()) await follow(() => !isKnown());
      return isKnown() ? deriveTokenKey(loaded.keys.get(id)) : undefined;
    },
  };
  return { keyRing, tokenKeys, current: loaded.current };
}

/** Never change this: it separates these keys from those that seal credentials. */
const TOKEN_PURPOSE = 'sallyport user token v1';

function deriveTokenKey(master: Secret<Uint8Array> | undefined): Secret<Uint8Array> {
  if (!master) throw new SallyportError('INTERNAL', 'The current master key is not loaded.');
  return new Secret(new Uint8Array(hkdfSync('sha256', master.reveal(), '', TOKEN_PURPOSE, 32)));
}

interface Loaded {
  readonly ring: KeyRing;
  readonly keys: ReadonlyMap<string, Secret<Uint8Array>>;
  readonly current: string;
}

/** Keeps the keys it has: one whose file was removed too early still opens what it sealed, until the server stops. */
async function load(
  files: MasterKeyFiles,
  known: Loaded['keys'],
  onProblem: (error: unknown) => void,
): Promise<Loaded> {
  const keys = new Map(known);
  for (const id of [...files.ids, ...files.next]) {
    if (keys.has(id)) continue;
    try {
      keys.set(id, await readMasterKey(files, id));
    } catch (error) {
      onProblem(error);
    }
  }
  const current = files.ids.findLast((id) => keys.has(id)) ?? '';
  return { ring: createLocalKeyRing({ keys, current }), keys, current };
}
