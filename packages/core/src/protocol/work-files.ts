import { z } from 'zod';

/** Largest file that is read out of a machine, in bytes. */
export const MAX_WORK_FILE_BYTES = 50 * 1024 * 1024;

/** Entries of a directory in one answer. */
const MAX_WORK_ENTRIES = 100;

/** Name of a file or directory: NAME_MAX of Linux counts bytes, of which a character has up to three here. */
const nameSchema = z
  .string()
  .min(1)
  .max(255)
  .refine((name) => name !== '.' && name !== '..' && !/[/\0]/.test(name), 'must be a name');

const isRelativePath = (path: string): boolean => path.split('/').every((name) => nameSchema.safeParse(name).success);

const mustBeRelative = 'must be names with slashes between them, below ~/work, without . and ..';

/** A directory below `~/work`; empty: `~/work` itself. */
export const workDirectorySchema = z
  .string()
  .max(4096)
  .refine((path) => path === '' || isRelativePath(path), mustBeRelative);

/** A file below `~/work`. */
export const workFilePathSchema = z.string().max(4096).refine(isRelativePath, mustBeRelative);

export const workEntrySchema = z.object({
  name: nameSchema,
  type: z
    .enum(['file', 'directory', 'link', 'other'])
    .describe('Files can be read and directories listed. Links are not followed.'),
  size: z.number().int().nonnegative().describe('In bytes; 0 for anything but a file.'),
  modifiedAt: z.number().int().describe('Milliseconds since 1970.'),
});

export type WorkEntry = Readonly<z.infer<typeof workEntrySchema>>;

/** `POST /files/list` of the agent: the entries of a directory, in the order of their names, behind one of them. */
export const listFilesRequestSchema = z.strictObject({
  path: workDirectorySchema,
  after: nameSchema.optional(),
  limit: z.number().int().min(1).max(MAX_WORK_ENTRIES),
});

export type WorkDirectoryRequest = Readonly<z.infer<typeof listFilesRequestSchema>>;

/** `POST /files/read` of the agent. Answers the bytes of a regular file, with their number as `Content-Length`. */
export const readFileRequestSchema = z.strictObject({ path: workFilePathSchema });

export const agentDirectorySchema = z.object({
  entries: z.array(workEntrySchema).max(MAX_WORK_ENTRIES),
  hasMore: z.boolean(),
});

export type AgentDirectory = Readonly<z.infer<typeof agentDirectorySchema>>;
