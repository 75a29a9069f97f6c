export { default as privatizeEbsSnapshot } from './privatize-ebs-snapshot.ts';
export { default as privatizeRdsSnapshot } from './privatize-rds-snapshot.ts';
