export { default as deleteUnusedGroup } from './delete-unused-group.ts';
export { default as isolateInstance } from './isolate-instance.ts';
