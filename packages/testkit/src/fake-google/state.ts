import type { z } from 'zod';

import { vendorStateSchema } from '../fake-vendor/state.ts';

/** What tests may know about the fake provider. Read with `googleStateSchema.parse((await control.state()).google)`. */
export const googleStateSchema = vendorStateSchema;

export type GoogleState = z.infer<typeof googleStateSchema>;
