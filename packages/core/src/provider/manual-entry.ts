import type { CredentialFiles } from '../contracts/credential-files.ts';
import { SallyportError } from '../base/errors.ts';
import type { CredentialEnvironmentItem, CredentialItem } from './credential-item.ts';
import type { Question } from './question.ts';
import type { LoginMethod } from './login-method.ts';
import { manualEntryId } from './manifest.ts';
import { matchText } from './matcher.ts';

/** A way to connect in which no CLI runs: the user hands over a key or a token that they have already. */
export interface ManualEntry {
  readonly id: string;
  readonly title: string;
  readonly kind: 'api-key' | 'import';
  /** What it is stored as. */
  readonly item: CredentialEnvironmentItem & { readonly manualEntry: ManualEntryForm };
}

/** What a way to connect goes by: a login of the CLI, or something handed over. */
export type OfferedMethod = LoginMethod | ManualEntry;

type ManualEntryForm = NonNullable<CredentialEnvironmentItem['manualEntry']>;

/** The credential items of a manifest that a user can hand over. */
export function manualEntries(items: readonly CredentialItem[]): readonly ManualEntry[] {
  return items.flatMap((item) => {
    if (item.as !== 'environment' || !item.manualEntry) return [];
    const { manualEntry } = item;
    const kind = item.from === 'user' ? 'api-key' : 'import';
    return [{ id: manualEntryId(item), title: manualEntry.title, kind, item: { ...item, manualEntry } }];
  });
}

/** The question that a user answers with the value. */
export function manualEntryQuestion({ item }: ManualEntry): Question {
  return { id: item.id, label: item.manualEntry.label, kind: 'text', secret: true };
}

/**
 * Values for the environment without what comes along when they are copied: blanks and line ends around them, and
 * characters without width. Throws `CREDENTIAL_MALFORMED`, which never quotes the value, for one that cannot be right.
 */
export function checkEnteredValue(items: readonly CredentialItem[], files: CredentialFiles): CredentialFiles {
  const checked = Object.entries(files).map(([id, text]): [string, string] => {
    const item = items.find((candidate) => candidate.id === id);
    return item?.as === 'environment' ? [id, checkValue(item, text.replaceAll(/\p{Cf}/gu, '').trim())] : [id, text];
  });
  return Object.fromEntries(checked);
}

function checkValue(item: CredentialEnvironmentItem, value: string): string {
  const { manualEntry, from, name } = item;
  const shape = manualEntry?.shape ?? (from === 'user' ? undefined : from);
  // It goes into an environment variable, where a zero byte would end it and a line end has no business.
  // Half a character has no bytes.
  const isPlain = value !== '' && value.isWellFormed() && !/[\p{Cc}\s]/u.test(value);
  if (isPlain && (shape === undefined || matchText(shape, value) !== undefined)) return value;
  throw new SallyportError('CREDENTIAL_MALFORMED', `That does not look like a value for ${name}.`, {
    hint: manualEntry
      ? `One looks like this: ${manualEntry.example} Copy all of it, and nothing else.`
      : 'Copy all of it, and nothing else.',
  });
}
