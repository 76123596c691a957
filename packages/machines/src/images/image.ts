/** What there are images of: the two kinds of machine, and the kernel both boot with. */
export type ImageKind = 'browser' | 'cli' | 'kernel';

export const imageKinds: readonly ImageKind[] = ['browser', 'cli', 'kernel'];

/** One Debian package in an image. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
}

/** Everything known about an image, kept beside it. Also its bill of materials. */
export interface ImageFacts {
  readonly spec: 1;
  readonly kind: ImageKind;
  /**
   * Kind, and hash of {@link inputs} and {@link files}: other bytes have another name. Nothing under a name ever changes.
   * Names of earlier versions do not cover the bytes. Only {@link inputs} tell whether an image is there already.
   */
  readonly name: string;
  /** Hash of what was asked for. The same again is not built again. */
  readonly inputs: string;
  /** ISO 8601. */
  readonly builtAt: string;
  /** SHA-256 of each file, by its name in the image's directory. */
  readonly files: Readonly<Record<string, string>>;
  /** Programs that are not Debian's, with their versions: Node, and the CLI of each provider. */
  readonly programs: Readonly<Record<string, string>>;
  readonly packages: readonly InstalledPackage[];
}

/** An image on this host. */
export interface Image extends ImageFacts {
  /** Directory with its files. */
  readonly directory: string;
}

/** The root file system in the directory of a `browser` or `cli` image. */
export const ROOT_FILE = 'root.ext4';

/**
 * The kernel in the directory of a `kernel` image. Ours is an ELF file that both engines boot by itself. Debian's has an
 * initrd beside it, and boots in QEMU's `pc` alone.
 */
export const KERNEL_FILE = 'kernel';
export const INITRD_FILE = 'initrd.cpio';

/** Where a kernel comes from: ours is compiled from source, the other one is Debian's with an initrd. */
export type KernelVariant = 'source' | 'debian';

/** The first is preferred: it boots in half the time. */
export const kernelVariants: readonly KernelVariant[] = ['source', 'debian'];

export function kernelVariant({ files }: Pick<Image, 'files'>): KernelVariant {
  return INITRD_FILE in files ? 'debian' : 'source';
}
