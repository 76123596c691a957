import { legible, resolveUserId, SallyportError } from '@sallyport/core';
import { auditTypes, isAuditType } from '@sallyport/core/store';
import type { AuditEntry, AuditStore, AuditType } from '@sallyport/core/store';
import { Argument, InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { z } from 'zod';

import type { CommandContext } from './context.ts';
import { pruneAuditLog } from '../stores/prune-audit-log.ts';
import { wholeNumber } from './option-values.ts';
import { withConnection } from './with-connection.ts';

interface AuditOptions {
  readonly before?: Date;
  /** A UUID, or the name that the embedding product uses. */
  readonly user?: string;
  readonly type?: AuditType;
  readonly since?: Date;
  readonly limit: number;
  readonly json?: boolean;
}

/** What one call of the store returns at most, whatever the limit. */
const PAGE = 500;

/** Nobody, an operator included, deletes what happened in the last 30 days. */
const YOUNGEST_MS = 30 * 24 * 60 * 60_000;

type AuditContext = Pick<CommandContext, 'clock' | 'environment' | 'print' | 'withStore'>;

/** `sallyport audit`: lists entries of the audit log or deletes old ones, whether a server runs at the moment or not. */
export function registerAudit(program: Command, context: AuditContext): void {
  const { print, withStore } = context;
  program
    .command('audit')
    .description('list who did what and when, the newest first, whether a server runs or not')
    .addArgument(
      new Argument(
        '[action]',
        '`list` is what happens without it too; `prune` deletes what is older than --before',
      ).choices(['list', 'prune']),
    )
    .option('--user <id>', 'only what concerns this user, by UUID or by the id that your product uses')
    .option('--type <type>', 'only entries of this type', parseType)
    .option('--since <time>', 'only entries from this time on, such as 2026-11-29 or 2026-11-29T12:00:00Z', parseTime)
    .option('--before <time>', 'prune: entries from before this time, at least 30 days ago', parseTime)
    .option('--limit <n>', 'how many entries', wholeNumber(1, 9_999_999), 50)
    .option('--json', 'print one JSON object a line')
    .action((action: string | undefined, options: AuditOptions) =>
      action === 'prune' ? prune(context, options.before) : withStore(({ audit }) => list(audit, options, print)),
    );
}

async function prune({ clock, environment, print }: AuditContext, before: Date | undefined): Promise<void> {
  const now = clock.now();
  if (before === undefined || before.getTime() > now - YOUNGEST_MS)
    throw new SallyportError('REQUEST_INVALID', 'Only entries that are at least 30 days old can be deleted.', {
      hint: 'Say from before when: `sallyport audit prune --before 2026-01-01`.',
    });
  await withConnection(environment(), 'Deleting entries of the audit log', async (connection) => {
    const entries = await pruneAuditLog({ connection, before, now: new Date(now) });
    print(`Deleted ${entries} entries from before ${before.toISOString()}.`);
  });
}

async function list(
  audit: Pick<AuditStore, 'list'>,
  { user, type, since, limit, json = false }: AuditOptions,
  print: (line: string) => void,
): Promise<void> {
  const userId = user === undefined ? undefined : resolveUserId(user).userId;
  let left = limit;
  let before: string | undefined;
  do {
    const entries = await audit.list({ userId, type, since, limit: Math.min(left, PAGE), before });
    for (const entry of entries) print(json ? toJson(entry) : describe(entry));
    left -= entries.length;
    before = entries.length < PAGE ? undefined : entries.at(-1)?.id;
  } while (left > 0 && before !== undefined);
  if (left === limit && !json) print('There is no such entry in the audit log.');
}

function parseType(given: string): AuditType {
  if (isAuditType(given)) return given;
  throw new InvalidArgumentError(`The types are ${Object.keys(auditTypes).join(', ')}.`);
}

function parseTime(given: string): Date {
  if (timeSchema.safeParse(given).success) return new Date(given);
  throw new InvalidArgumentError('It must be a time such as 2026-11-29 or 2026-11-29T12:00:00Z.');
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
