import { SallyportError } from '@sallyport/core';

import { imageKinds } from './image.ts';
import type { ImageFacts } from './image.ts';

/** Reads what was recorded about an image. */
export function parseFacts(text: string, path: string): ImageFacts {
  let facts: Partial<ImageFacts> | null;
  try {
    facts = JSON.parse(text);
  } catch (cause) {
    throw damaged(path, cause);
  }
  const { spec, kind, name, inputs, builtAt, files, programs, packages } = Object(facts);
  const isWhole =
    spec === 1 &&
    imageKinds.includes(kind) &&
    [name, inputs, builtAt].every((value) => typeof value === 'string') &&
    isStrings(files) &&
    isStrings(programs) &&
    Array.isArray(packages) &&
    packages.every(isStrings);
  if (!isWhole) throw damaged(path);
  return { spec, kind, name, inputs, builtAt, files, programs, packages };
}

function isStrings(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && Object.values(value).every((entry) => typeof entry === 'string')
  );
}

function damaged(path: string, cause?: unknown): SallyportError {
  return new SallyportError('MACHINE_IMAGE_DAMAGED', `${path} is not the record of an image.`, { cause });
}
