import { DatabaseError } from 'pg';

import { SallyportError } from '@sallyport/core';

import { toStoreError } from './postgres-error.ts';

/** Where a connection was to lead, without the password. */
export interface DatabaseTarget {
  /** A name, an address, or the directory of a unix socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string | undefined;
  readonly user: string | undefined;
}

interface Finding {
  readonly problem: string;
  readonly fix: string;
}

/**
 * Says to the operator why a connection was not opened: where it was to lead, what happened, and what to do.
 * `CONFIG_INVALID` where PostgreSQL refuses who asks or what for, and `STORE_UNAVAILABLE` otherwise.
 */
export function explainConnectionError(error: unknown, target: DatabaseTarget): SallyportError {
  const found = explain(error, target);
  if (found === undefined) return toStoreError(error);
  const { host, port, database = '', user = '' } = target;
  const place = `PostgreSQL at ${host}:${port} (database ${database}, user ${user})`;
  const isRefusal = error instanceof DatabaseError && /^(?:28|3D|42)/.test(error.code ?? '');
  return new SallyportError(
    isRefusal ? 'CONFIG_INVALID' : 'STORE_UNAVAILABLE',
    `${place} cannot be used: ${found.problem}.`,
    {
      hint: found.fix,
      details: { host, port, database, user },
      cause: error,
    },
  );
}

function explain(error: unknown, target: DatabaseTarget): Finding | undefined {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const message = error instanceof Error ? error.message : '';
  // What a server says while a connection opens names users and hosts, and no row.
  if (error instanceof DatabaseError) return refusals[code]?.(target, message);
  const ofNetwork = troubles[code]?.(target);
  if (ofNetwork) return ofNetwork;
  if (certificateProblem.test(code)) {
    return {
      problem: `its TLS certificate is not trusted (${code})`,
      fix: 'Name the certificate authority in DATABASE_URL: sslmode=verify-full&sslrootcert=FILE.',
    };
  }
  return sayings.find(({ pattern }) => pattern.test(message))?.finding;
}

const CORRECT_URL = 'Correct DATABASE_URL, and start again.';

/** By SQLSTATE; PostgreSQL documentation, appendix A. */
const refusals: Readonly<Record<string, (target: DatabaseTarget, message: string) => Finding>> = {
  '28P01': ({ user = '' }) => ({
    problem: `it refused the password of the user ${user}`,
    fix: 'Correct the user or the password in DATABASE_URL. Write special characters of a password percent-encoded: @ as %40, / as %2F.',
  }),
  '28000': (_target, message) => ({
    problem: `it does not let this user in (${message})`,
    fix: /no encryption|SSL off/.test(message)
      ? 'Add sslmode=verify-full to DATABASE_URL, or allow connections without TLS in pg_hba.conf.'
      : 'Create that role, or allow this host, user and database in pg_hba.conf.',
  }),
  '3D000': ({ database = '' }) => ({
    problem: `it has no database ${database}`,
    fix: `Make it with \`createdb ${database}\`, or correct the end of DATABASE_URL.`,
  }),
  '42501': () => ({
    problem: 'this user may not connect to that database',
    fix: 'Run `grant connect on database … to …` as its owner, or name another user in DATABASE_URL.',
  }),
  '53300': () => ({
    problem: 'it has no connection left',
    fix: 'Raise its max_connections, or go through a pooler. A server of ours opens at most 10.',
  }),
  '57P03': () => ({ problem: 'it is starting up or shutting down', fix: 'Start again when it is up.' }),
};

/** By the code that Node gives an error of a socket or of a name. */
const troubles: Readonly<Record<string, (target: DatabaseTarget) => Finding>> = {
  ECONNREFUSED: ({ port }) => ({
    problem: 'the connection was refused (ECONNREFUSED)',
    fix: `Start PostgreSQL there and have it listen on port ${port}, or correct the host and the port in DATABASE_URL.`,
  }),
  ENOTFOUND: ({ host }) => unknownName(host, 'ENOTFOUND'),
  EAI_AGAIN: ({ host }) => unknownName(host, 'EAI_AGAIN'),
  ETIMEDOUT: () => noAnswer,
  EHOSTUNREACH: () => noWay('EHOSTUNREACH'),
  ENETUNREACH: () => noWay('ENETUNREACH'),
  ECONNRESET: () => ({
    problem: 'it closed the connection without an answer (ECONNRESET)',
    fix: 'Check that PostgreSQL listens there, and whether it wants TLS (sslmode=verify-full in DATABASE_URL).',
  }),
  ENOENT: ({ host }) => ({
    problem: `there is no socket of it in ${host} (ENOENT)`,
    fix: 'Start PostgreSQL, or correct the host in DATABASE_URL.',
  }),
  EACCES: () => ({ problem: 'this user may not open its socket (EACCES)', fix: CORRECT_URL }),
};

const noAnswer: Finding = {
  problem: 'it did not answer in time (ETIMEDOUT)',
  fix: 'Check that a firewall lets this host through, and the host and the port in DATABASE_URL.',
};

function unknownName(host: string, code: string): Finding {
  return {
    problem: `the host name ${host} was not found (${code})`,
    fix: 'Correct the host in DATABASE_URL, or the DNS of this host.',
  };
}

function noWay(code: string): Finding {
  return {
    problem: `no network leads there (${code})`,
    fix: 'Check the network of this host. If the name has IPv6 addresses only, this host needs IPv6.',
  };
}

const certificateProblem = /CERT|VERIFY_LEAF|UNABLE_TO_GET_ISSUER|ERR_TLS/;

/** Errors of pg itself have no code. */
const sayings: readonly { readonly pattern: RegExp; readonly finding: Finding }[] = [
  { pattern: /^timeout expired$|connection timeout/, finding: noAnswer },
  {
    pattern: /does not support SSL/,
    finding: {
      problem: 'DATABASE_URL asks for TLS, which that server refuses',
      fix: 'Turn TLS on there (ssl = on), or take sslmode out of DATABASE_URL where the network may be trusted.',
    },
  },
  {
    pattern: /error establishing an SSL connection|SSL routines|EPROTO/,
    finding: { problem: 'a TLS connection was not agreed on', fix: 'Check the sslmode in DATABASE_URL.' },
  },
  {
    pattern: /client password must be a/,
    finding: { problem: 'it asks for a password, and there is none', fix: 'Put the password into DATABASE_URL.' },
  },
  {
    pattern: /Connection terminated/,
    finding: {
      problem: 'it closed the connection without an answer',
      fix: 'Check that PostgreSQL listens there, and whether it wants TLS (sslmode=verify-full in DATABASE_URL).',
    },
  },
];
