export { default as ebsSnapshotShared } from './exfiltration/ebs-snapshot-shared.ts';
export { default as rdsSnapshotShared } from './exfiltration/rds-snapshot-shared.ts';
export { default as s3BucketExposed } from './exfiltration/s3-bucket-exposed.ts';
export { default as allowListedLeftAlone } from './faults/allow-listed-left-alone.ts';
export { default as duplicateStorm } from './faults/duplicate-storm.ts';
export { default as resourceGone } from './faults/resource-gone.ts';
export { default as responseDenied } from './faults/response-denied.ts';
