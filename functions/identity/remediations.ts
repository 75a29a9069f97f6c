export { default as deactivateOldAccessKeys } from './deactivate-old-access-keys.ts';
