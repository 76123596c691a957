export { openHostPreset } from './presets/host-preset.ts';
export type { HostPreset, HostPresetOptions } from './presets/host-preset.ts';
