import { z } from 'zod';

/**
 * A backup is one gzip stream (RFC 1952) of lines: a header, then for each table a line that names it, its rows in the text
 * format of COPY and a line `\.`, then a trailer. Rows never have a line break or begin with `\.`: COPY escapes both.
 * https://www.postgresql.org/docs/current/sql-copy.html
 */
export const BACKUP_FORMAT = 1;

export const END_OF_ROWS = '\\.';

/** Tables that a backup leaves out: which migrations there are, and what a server says of itself while it runs. */
export const leftOut: readonly string[] = ['migrations', 'servers'];

const migrationSchema = z.object({ version: z.string(), name: z.string() });

export const headerSchema = z.object({
  sallyportBackup: z.number().int().positive(),
  /** When the database was as it is in here: ISO 8601. */
  takenAt: z.iso.datetime(),
  /** What the database has, oldest first. */
  migrations: z.array(migrationSchema),
  /** Ids of the master keys that its credentials are sealed under. The keys themselves are not in here. */
  masterKeys: z.array(z.string()),
  /** Hosts that its rows tell of: of machines, and of logins and prompts under way. */
  hosts: z.array(z.string()),
});

export type BackupHeader = z.infer<typeof headerSchema>;

/** `columns` in the order of the rows. Tables stand behind those that they refer to. */
export const tableSchema = z.object({ table: z.string(), columns: z.array(z.string()) });

export const trailerSchema = z.object({
  rows: z.number().int().nonnegative(),
  /** Of all bytes before this line, in hex. */
  sha256: z.string(),
});
