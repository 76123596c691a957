import type { z } from 'zod';

import { vendorStateSchema } from '../fake-vendor/state.ts';

/**
 * What tests may know about the fake provider. Read with
 * `anthropicStateSchema.parse((await control.state()).anthropic)`.
 */
export const anthropicStateSchema = vendorStateSchema;

export type AnthropicState = z.infer<typeof anthropicStateSchema>;
