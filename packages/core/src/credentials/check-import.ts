import { SallyportError } from '../base/errors.ts';
import type { CredentialFiles } from '../contracts/credential-files.ts';
import type { CredentialFileItem, CredentialItem } from '../provider/credential-item.ts';
import { checkEnteredValue } from '../provider/manual-entry.ts';
import { oversizedFile } from './bundle.ts';
import { examine } from './examine.ts';
import type { LedgerProvider } from './examine.ts';

/**
 * Checks a credential that comes from elsewhere, and returns it with its values trimmed. Throws `CREDENTIAL_MALFORMED`
 * or `CREDENTIAL_TOO_LARGE` for one that can never be stored, so that nobody sends it again as it is. The error says
 * which shape is expected, and quotes nothing of what was sent: a token may stand where the name of a part belongs.
 */
export function checkImport(provider: LedgerProvider, sent: CredentialFiles): CredentialFiles {
  const { credentials: items, title } = provider.manifest;
  checkNames(items, title, sent);
  const tooLarge = oversizedFile(sent);
  if (tooLarge !== undefined) {
    throw new SallyportError('CREDENTIAL_TOO_LARGE', `The part "${tooLarge}" is larger than 256 KiB.`, {
      hint: 'Send the file as the CLI wrote it, and nothing else.',
    });
  }
  const files = checkEnteredValue(items, sent);
  if (items.some((item) => isValue(item, files)) && items.some((item) => isSecretFile(item, files))) {
    throw malformed('A key or token and a login file were sent together, and only one of them can be used.', {
      hint: 'Send one of them alone.',
    });
  }
  const { missing, facts } = examine(provider, files);
  const [first] = missing;
  if (first) {
    const all = missing.map(({ item, problem }) => `${item}: ${problem}`).join(', ');
    throw malformed(`The credential is not a login of ${title}: ${all}.`, { hint: shapeOf(items) });
  }
  if (facts.blank) {
    throw malformed(`The login of ${title} is over, or not complete: the CLI would not use it.`, {
      hint: `Log in with the CLI again, and then send its file. ${shapeOf(items)}`,
    });
  }
  return files;
}

function checkNames(items: readonly CredentialItem[], title: string, sent: CredentialFiles): void {
  const ids = items.map(({ id }) => id);
  const unknown = Object.keys(sent).filter((name) => !ids.includes(name));
  const [name] = unknown;
  if (name === undefined) return;
  const known = `The parts of a ${title} credential are ${ids.map((id) => `"${id}"`).join(', ')}.`;
  const meant = items.find((item) => namesOf(item).includes(name.toLowerCase()));
  throw malformed(
    meant ? `No part of a ${title} credential has this name.` : `${unknown.length} of the parts have an unknown name.`,
    { hint: meant ? `Send it as "${meant.id}". ${known}` : known },
  );
}

/** What a part is called by those who know the CLI and not its manifest. */
function namesOf(item: CredentialItem): readonly string[] {
  if (item.as === 'environment') return [item.name.toLowerCase(), item.id.replaceAll('_', '-')];
  const { cli, browser } = item.paths;
  return [cli, browser].flatMap((path) => {
    const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase();
    return [path.toLowerCase(), path.slice(2).toLowerCase(), name, name.replace(/^\./, '')];
  });
}

/** The shape that the secret files must have, and how to come by one. */
function shapeOf(items: readonly CredentialItem[]): string {
  const files = items.filter((item) => item.as === 'file' && item.role === 'secret');
  const values = items.filter((item) => item.as === 'environment');
  const shapes = [
    ...files.map((item) => (item.as === 'file' ? describeFile(item) : '')),
    ...values.map(({ id, name }) => `or "${id}": the value of ${name}`),
  ];
  return `Send ${shapes.join(', ').replace(/^or /, '')}. Or log in here instead.`;
}

const formats = { json: 'JSON', jsonc: 'JSON, with or without comments', text: 'text' } as const;

function describeFile({ id, paths, format, require }: CredentialFileItem): string {
  const inside = require.length === 0 ? '' : ` with a value at ${require.join(', ')}`;
  return `"${id}": the whole text of ${paths.cli} as the CLI wrote it, ${formats[format]}${inside}`;
}

function isValue(item: CredentialItem, files: CredentialFiles): boolean {
  return item.as === 'environment' && files[item.id] !== undefined;
}

function isSecretFile(item: CredentialItem, files: CredentialFiles): boolean {
  return item.as === 'file' && item.role === 'secret' && files[item.id] !== undefined;
}

function malformed(message: string, { hint }: { readonly hint: string }): SallyportError {
  return new SallyportError('CREDENTIAL_MALFORMED', message, { hint });
}
