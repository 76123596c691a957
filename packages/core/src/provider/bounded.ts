import { z } from 'zod';

/**
 * The words that manifests are made of. A manifest may come from an author nobody trusts, so each is bounded to what
 * can do no harm wherever it ends up: in a path, in a command line, in an environment, in the list of open hosts.
 */

export const idSchema = z
  .string()
  .regex(/^[a-z][a-z0-9_]{1,31}$/, 'must be lower-case letters, digits and _, starting with a letter, 2 to 32 long');

/** A host name in lower-case punycode, optionally `*.` in front. Never an address. */
export const hostSchema = z
  .string()
  .max(253)
  .regex(
    /^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/,
    'must be a host name in lower case, not an address, with at least one dot',
  );

/**
 * A path below the machine's home, written `~/…`. The character set keeps it harmless in a debugfs script
 * and in a shell; `..`, absolute paths and files that a shell or the dynamic loader runs are refused.
 */
export const homePathSchema = z
  .string()
  .max(200)
  .regex(
    /^~\/[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/,
    'must start with ~/ and use only letters, digits, . _ - and single slashes',
  )
  .refine(
    (path) => !path.split('/').some((part) => part === '..' || part === '.'),
    'must not contain . or .. as a part',
  )
  .refine((path) => !forbiddenHomePaths.test(path), 'names a file that a shell, ssh or the desktop runs by itself');

const forbiddenHomePaths =
  /^~\/(\.(bash|zsh|k?sh)[A-Za-z0-9._-]*|\.profile|\.login|\.logout|\.inputrc|\.env|\.pam_environment|\.xinitrc|\.xsession[A-Za-z0-9._-]*|\.xprofile|\.ssh(\/.*)?|\.gnupg(\/.*)?|\.config\/(autostart|systemd|environment\.d)(\/.*)?|\.local\/bin(\/.*)?|bin(\/.*)?|work(\/.*)?)$/;

/** Names that would let a manifest change how programs are found or loaded. */
export const environmentNameSchema = z
  .string()
  .regex(/^[A-Z][A-Z0-9_]{0,63}$/, 'must be upper-case letters, digits and _')
  .refine(
    (name) =>
      !/^(LD_|DYLD_|NODE_OPTIONS$|PATH$|HOME$|IFS$|ENV$|BASH_ENV$|PYTHON|PERL|.*_PROXY$|SSL_CERT_|BROWSER$)/.test(name),
    'is set by the agent itself or changes how programs are loaded',
  );

/** Variables of one login method. */
export const methodEnvironmentSchema = z
  .record(environmentNameSchema, z.string().max(500))
  .describe('Environment variables for this login method only, on top of those of `cli.env`.')
  .optional();

export const argumentSchema = z
  .string()
  .min(1)
  .max(500)
  .regex(/^[^\0]*$/, 'must not contain a zero byte');

export const pointerSchema = z.string().regex(/^(\/[^/~]*(~[01][^/~]*)*)+$/, 'must be a JSON pointer (RFC 6901)');

const settingsFileSchema = z
  .strictObject({
    path: homePathSchema.describe(
      "Where the file goes, below the CLI's home. Not the file of a credential, except to add keys to one that has the role `settings` and is merged itself.",
    ),
    content: z.string().max(10_000).describe('The text of the file. JSON for `merge-json` and `fill-json`.'),
    write: z
      .enum(['replace', 'merge-json', 'fill-json'])
      .describe(
        '`replace` writes the whole file. `merge-json` sets these keys and keeps the others of the file. `fill-json` adds only the keys that the file does not have, so that the choice of a user stays. Left out: `replace`.',
      )
      .optional(),
  })
  .meta({ id: 'SettingsFile', description: 'A settings file, written before the CLI starts.' });

/** Settings files, written before a CLI starts. */
export const settingsSchema = z.array(settingsFileSchema).max(5);

/**
 * What a CLI must not see of the working directory, and of the directories between it and `~/work`: another provider's CLI,
 * or a cloned repository, could have put a program there for it to run. A name, not a path, so that no link leads elsewhere.
 */
export const hiddenInWorkSchema = z
  .array(
    z.strictObject({
      name: z
        .string()
        .max(100)
        .regex(/^[A-Za-z0-9._-]+$/, 'must be the name of a file or directory, without slashes')
        .refine((name) => name !== '.' && name !== '..', 'must not be . or ..')
        .describe(
          'Name to hide, in the working directory of a prompt and in each directory between it and `~/work`. A symbolic link of this name ends the prompt with `MACHINE_DISK_UNSAFE`.',
        ),
      kind: z
        .enum(['directory', 'file'])
        .describe('What the CLI sees, empty, if nothing of this name exists. Otherwise the kind stays what it is.'),
    }),
  )
  .max(10)
  .refine((hidden) => isUnique(hidden.map(({ name }) => name)), 'has two entries with the same name');

/** Whether no two things have the same name. */
export function isUnique(names: readonly string[]): boolean {
  return new Set(names).size === names.length;
}
