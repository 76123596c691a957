import { randomBytes } from 'node:crypto';

import { resolveUserId, Secret, systemClock } from '@sallyport/core';
import type { Clock } from '@sallyport/core';
import type { UserTokenScope } from '@sallyport/core/protocol';
import type { ApiKeyRole, Store } from '@sallyport/core/store';

import { createApiKey } from '../../packages/server/src/auth/api-key.ts';
import type { Authentication } from '../../packages/server/src/auth/identify.ts';
import { createSignInServices } from '../../packages/server/src/auth/sign-in-services.ts';
import { signUserToken } from '../../packages/server/src/auth/user-token.ts';
import type { TokenKeys } from '../../packages/server/src/auth/user-token.ts';

/** Those who call a server under test, each with what proves it. */
export interface Identities {
  /** For `startTestServer`. */
  readonly authentication: (store: Store) => Authentication;
  apiKey(role: ApiKeyRole): Promise<string>;
  userToken(userId: string, options?: TokenOptions): Promise<string>;
}

export interface TokenOptions {
  /** Default: all. */
  readonly scopes?: readonly UserTokenScope[];
  readonly origin?: string;
  /** Seconds; a token that ends before it begins has expired. Default 600. */
  readonly expiresInSeconds?: number;
  readonly keys?: TokenKeys;
}

const everyScope: readonly UserTokenScope[] = ['connect', 'prompt', 'machines'];

export function createIdentities(clock: Clock = systemClock): Identities {
  const tokenKeys = createTokenKeys();
  let keptStore: Store | undefined;
  return {
    authentication: (store) => {
      keptStore = store;
      return {
        apiKeys: store.apiKeys,
        tokenKeys,
        users: store.users,
        signInServices: createSignInServices([], { clock }),
      };
    },
    apiKey: async (role) => {
      if (!keptStore) throw new Error('The server has not been started.');
      return (await createApiKey(keptStore.apiKeys, { name: role, role })).key.reveal();
    },
    userToken: async (userId, { scopes = everyScope, origin, expiresInSeconds = 600, keys = tokenKeys } = {}) => {
      if (!keptStore) throw new Error('The server has not been started.');
      const options = { keys, users: keptStore.users, clock, expiresInSeconds };
      return (await signUserToken({ user: resolveUserId(userId), scopes, origin }, options)).token;
    },
  };
}

export function createTokenKeys(id = 'test'): TokenKeys {
  const key = new Secret(new Uint8Array(randomBytes(32)));
  return {
    current: async () => ({ id, key }),
    find: async (wanted) => (wanted === id ? key : undefined),
  };
}
