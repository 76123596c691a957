import { auditTypes, isAuditType, legible, resolveUserId, SallyportError } from '@sallyport/core';
import type { AuditEntry, AuditQuery, AuditStore } from '@sallyport/core';
import { z } from 'zod';

/** What `sallyport audit` works with. */
export interface AuditCommand {
  readonly audit: Pick<AuditStore, 'list'>;
  /** As given on the command line. */
  readonly options: AuditOptions;
  readonly print: (line: string) => void;
}

export interface AuditOptions {
  /** A UUID, or the name that the embedding product uses. */
  readonly user?: string | undefined;
  readonly type?: string | undefined;
  /** ISO 8601, with a time or without. */
  readonly since?: string | undefined;
  /** Default 50. */
  readonly limit?: string | undefined;
  readonly json?: boolean | undefined;
}

export const auditUsage = `sallyport audit [list] [--user U] [--type T] [--since TIME] [--limit N] [--json]`;

/** What one call of the store returns at most, whatever the limit. */
const PAGE = 500;

/** Lists entries of the audit log, the newest first, whether a server runs at the moment or not. */
export async function auditCommand(words: readonly string[], { audit, options, print }: AuditCommand): Promise<void> {
  const [action = 'list', ...rest] = words;
  if (action !== 'list' || rest.length > 0) throw invalid(`There is no command "audit ${words.join(' ')}".`);
  const { limit, ...filter } = readOptions(options);
  let left = limit;
  let before: string | undefined;
  do {
    const entries = await audit.list({ ...filter, limit: Math.min(left, PAGE), before });
    for (const entry of entries) print(options.json ? toJson(entry) : describe(entry));
    left -= entries.length;
    before = entries.length < PAGE ? undefined : entries.at(-1)?.id;
  } while (left > 0 && before !== undefined);
  if (left === limit && !options.json) print('There is no such entry in the audit log.');
}

function readOptions({ user, type, since, limit = '50' }: AuditOptions): AuditQuery {
  if (type !== undefined && !isAuditType(type)) {
    throw invalid(`There is no type ${quote(type)}. The types are ${Object.keys(auditTypes).join(', ')}.`);
  }
  if (!/^[1-9]\d{0,6}$/.test(limit)) throw invalid(`--limit ${quote(limit)} is not a number from 1 to 9999999.`);
  if (since !== undefined && !timeSchema.safeParse(since).success) {
    throw invalid(`--since ${quote(since)} is not a time such as 2026-11-29 or 2026-11-29T12:00:00Z.`);
  }
  return {
    limit: Number(limit),
    userId: user === undefined ? undefined : resolveUserId(user).userId,
    type,
    since: since === undefined ? undefined : new Date(since),
  };
}

/** A day begins at midnight UTC. */
const timeSchema = z.union([z.iso.date(), z.iso.datetime({ offset: true })]);

/** Some of the data comes from machines, such as the names of hosts: nothing in it reaches the terminal as control characters. */
function describe({ at, type, userId, data }: AuditEntry): string {
  const facts = Object.entries(data).map(([name, value]) => {
    return `${name}=${typeof value === 'string' && /^[\w.:@/-]+$/.test(value) ? value : JSON.stringify(value)}`;
  });
  return legible([at.toISOString(), type.padEnd(24), (userId ?? '-').padEnd(36), ...facts].join('  '));
}

/** JSON leaves some characters as they are that a terminal obeys. */
function toJson(entry: AuditEntry): string {
  const escape = (character: string): string =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join('');
  return JSON.stringify(entry).replaceAll(/[\p{Cc}\p{Cf}]/gu, escape);
}

function quote(given: string): string {
  return JSON.stringify(given.slice(0, 40));
}

function invalid(message: string): SallyportError {
  return new SallyportError('CONFIG_INVALID', message, { hint: `Usage: ${auditUsage}` });
}
