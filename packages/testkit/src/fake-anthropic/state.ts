import { z } from 'zod';

import { vendorStateSchema } from '../fake-vendor/state.ts';

/**
 * What tests may know about the fake provider. Read with
 * `anthropicStateSchema.parse((await control.state()).anthropic)`.
 */
export const anthropicStateSchema = vendorStateSchema.extend({
  /** A token made earlier with `claude setup-token`: good for prompts, and for nothing else. */
  setupToken: z.string(),
});

export type AnthropicState = z.infer<typeof anthropicStateSchema>;
