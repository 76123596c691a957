import { MAX_CREDENTIAL_BYTES } from '../protocol/agent-api.ts';
import type { CredentialFileItem, CredentialItem } from '../provider/credential-item.ts';
import { valuesAtPointer } from '../provider/required-value.ts';
import { parseCredentialText } from './parse-credential-text.ts';
import type { CredentialFiles } from '../contracts/credential-files.ts';

/**
 * Whether a credential is complete, told from the manifest alone. The agent asks while the CLI is still writing;
 * the ledger asks again before it stores anything. Answers never quote the text.
 */

/** One thing that is missing in a credential, for instance `auth: missing /tokens/access_token`. */
export interface MissingPart {
  readonly item: string;
  /** `absent`, `empty`, `too large`, `not JSON`, `truncated` or `missing /json/pointer`. */
  readonly problem: string;
}

/**
 * What is missing in the whole credential; empty when it is complete. Settings files that require nothing may be absent.
 * A value for the environment (a token, an API key) is a whole credential: then no file has to be there, and
 * a settings file beside it changes nothing.
 */
export function missingParts(items: readonly CredentialItem[], files: CredentialFiles): readonly MissingPart[] {
  const fileItems = items.filter((item) => item.as === 'file');
  const hasValue = items.some((item) => item.as === 'environment' && (files[item.id] ?? '').trim() !== '');
  const secretFiles = fileItems.filter((item) => item.role === 'secret');
  if (hasValue && secretFiles.every((item) => files[item.id] === undefined)) return [];
  if (fileItems.length === 0 && !hasValue) {
    return items.map((item) => ({ item: item.id, problem: files[item.id] === undefined ? 'absent' : 'empty' }));
  }
  return fileItems.flatMap((item) => {
    const text = files[item.id];
    if (text === undefined && isOptional(item)) return [];
    const problem = missingPart(item, text);
    return problem === undefined ? [] : [{ item: item.id, problem }];
  });
}

/** Whether a credential is complete without this item: settings of which the manifest requires nothing. */
export function isOptional(item: CredentialItem): boolean {
  return item.as === 'file' && item.role === 'settings' && item.require.length === 0;
}

/** Leaves out damaged settings that a credential is complete without: what a CLI does to them says nothing about its secret. */
export function withoutDamagedSettings(items: readonly CredentialItem[], files: CredentialFiles): CredentialFiles {
  const damaged = items.flatMap((item) =>
    item.as === 'file' && isOptional(item) && missingPart(item, files[item.id]) !== undefined ? [item.id] : [],
  );
  return Object.fromEntries(Object.entries(files).filter(([id]) => !damaged.includes(id)));
}

/** What is missing in one file, or `undefined` when it is complete. */
export function missingPart(item: CredentialFileItem, text: string | undefined): string | undefined {
  if (text === undefined) return 'absent';
  if (text.trim() === '') return 'empty';
  if (Buffer.byteLength(text, 'utf8') > MAX_CREDENTIAL_BYTES) return 'too large';
  if (item.format === 'text') return undefined;
  const value = parseCredentialText(item, text);
  if (value === undefined) return endsTooEarly(text) ? 'truncated' : 'not JSON';
  // Of several accounts one is enough: a CLI may keep those that are logged out beside the one that is not.
  const missing = item.require.find((pointer) => valuesAtPointer(value, pointer).every(isEmpty));
  return missing === undefined ? undefined : `missing ${missing}`;
}

function isEmpty(value: unknown): boolean {
  if (typeof value === 'string') return value.trim() === '';
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0;
  return value === undefined || value === null;
}

/** True while a bracket or a string is still open at the end: the CLI is in the middle of writing. */
function endsTooEarly(text: string): boolean {
  if (!/^\s*(?:[[{"]|\/[/*])/.test(text)) return false;
  let [depth, inString, escaped] = [0, false, false];
  for (const character of text) {
    if (escaped) escaped = false;
    else if (inString && character === '\\') escaped = true;
    else if (character === '"') inString = !inString;
    else if (!inString && (character === '{' || character === '[')) depth += 1;
    else if (!inString && (character === '}' || character === ']')) depth -= 1;
  }
  return inString || depth > 0;
}
