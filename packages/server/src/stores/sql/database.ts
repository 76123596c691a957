import { SallyportError } from '@sallyport/core';
import { serverSuperseded } from '@sallyport/core/store';

import type { Database } from '../database-types.ts';

type Functions = Database['sallyport']['Functions'];

/** A function of the schema `sallyport`. Each operation of the store is one; see `migrations/`. */
export type FunctionName = keyof Functions;
export type ArgumentsOf<Name extends FunctionName> = Functions[Name]['Args'];
export type ResultOf<Name extends FunctionName> = Functions[Name]['Returns'];

/** A row of a table, as JSON. */
export type Row<Name extends keyof Database['sallyport']['Tables']> = Database['sallyport']['Tables'][Name]['Row'];

/** A way to the database: a connection to PostgreSQL, or PostgREST. Both give the same JSON for the same call. */
export interface DatabaseRoute {
  /** Throws a {@link SallyportError}. */
  call<Name extends FunctionName>(name: Name, args: ArgumentsOf<Name>): Promise<ResultOf<Name> | null>;
  close(): Promise<void>;
}

/** Functions that write. They refuse the claim of a server whose host another one has claimed. */
export type WritingFunction = {
  // Functions without arguments have an index signature, which has every key.
  [Name in FunctionName]: string extends keyof ArgumentsOf<Name>
    ? never
    : 'p_claim' extends keyof ArgumentsOf<Name>
      ? Name
      : never;
}[FunctionName];

export interface StoreDatabase {
  read<Name extends Exclude<FunctionName, WritingFunction>>(
    name: Name,
    args: ArgumentsOf<Name>,
  ): Promise<ResultOf<Name> | null>;
  /** Adds the claim to the arguments. */
  write<Name extends WritingFunction>(name: Name, args: ArgumentsOf<Name>): Promise<ResultOf<Name> | null>;
  /** From now on, writes fail with `SERVER_SUPERSEDED` once another server has claimed this host. */
  fence(claim: HostClaim): void;
  /** Called when this claim no longer holds. If it is the fence's, everything fails with `SERVER_SUPERSEDED` from now on. */
  supersede(claim: HostClaim): void;
  close(): Promise<void>;
}

/** A host's rows as one server has claimed them. */
export interface HostClaim {
  readonly host: string;
  readonly epoch: number;
}

export function openStoreDatabase(route: DatabaseRoute): StoreDatabase {
  let closing: Promise<void> | undefined;
  let claim: HostClaim | undefined;
  let supersededHost: string | undefined;

  async function call<Name extends FunctionName>(name: Name, args: ArgumentsOf<Name>): Promise<ResultOf<Name> | null> {
    if (closing) throw new SallyportError('STORE_UNAVAILABLE', 'The store has been closed.');
    if (supersededHost !== undefined) throw serverSuperseded(supersededHost);
    try {
      return await route.call(name, args);
    } catch (error) {
      if (claim === undefined || !SallyportError.isInstance(error) || error.code !== 'SERVER_SUPERSEDED') throw error;
      supersededHost = claim.host;
      throw serverSuperseded(claim.host);
    }
  }

  return {
    read: call,
    write: (name, args) => call(name, { ...args, p_claim: claim ?? null }),
    fence: (next) => {
      claim = next;
    },
    supersede: ({ host, epoch }) => {
      if (claim?.host === host && claim.epoch === epoch) supersededHost = host;
    },
    close: () => (closing ??= route.close()),
  };
}
