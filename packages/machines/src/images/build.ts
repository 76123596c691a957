import type { ImageFacts, ImageKind } from './image.ts';

/** Passed through every step of a build. */
export interface BuildContext {
  /** An empty directory for this build alone. Others may pass through it, and cannot list it. */
  readonly scratch: string;
  readonly signal: AbortSignal;
  readonly onProgress: (message: string) => void;
}

/** What a build is to make. */
export interface ImageBuild {
  readonly kind: ImageKind;
  /** Hash of all that decides about the result and is known beforehand. */
  readonly inputs: string;
  run(context: BuildContext): Promise<BuiltFiles>;
}

export interface BuiltFiles extends Pick<ImageFacts, 'programs' | 'packages'> {
  /** Where each file of the image lies now, by its name in the image's directory. */
  readonly files: Readonly<Record<string, string>>;
}
