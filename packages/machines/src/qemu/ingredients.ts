import type { MachinePlan } from '@sallyport/core/driver';

import { findGuestClis } from '../guest/guest-clis.ts';
import type { GuestClis } from '../guest/guest-clis.ts';
import { kernelVariant } from '../images/image.ts';
import type { Image } from '../images/image.ts';
import type { Hardware } from './hardware.ts';
import type { QemuRecord } from './machine-record.ts';
import type { QemuMachineParts } from './parts.ts';

/** The components that a machine currently starts from. */
export interface Ingredients {
  readonly kernel: Image;
  readonly image: Image;
  readonly hardware: Hardware;
  readonly clis: GuestClis;
}

export async function findIngredients(
  { images, acceleration }: Pick<QemuMachineParts, 'images' | 'acceleration'>,
  { plan, image: imageName }: Pick<QemuRecord, 'plan' | 'image'>,
  signal: AbortSignal,
): Promise<Ingredients> {
  const kernel = await images.open('kernel', { signal });
  const image = await images.open(imageName, { signal });
  const hardware: Hardware = {
    ...(await acceleration()),
    ownKernel: kernelVariant(kernel) === 'source',
    role: plan.role,
    memoryMb: memoryOf(plan),
    vcpus: plan.vcpus,
  };
  return { kernel, image, hardware, clis: await findGuestClis(plan.clis, image) };
}

const LEAST_MB = { cli: 384, browser: 256 } as const;

function memoryOf({ role, memoryMb }: MachinePlan): number {
  return Math.max(LEAST_MB[role], memoryMb);
}
