export { default as ebsSnapshotShared } from './exfiltration/ebs-snapshot-shared.ts';
export { default as rdsSnapshotShared } from './exfiltration/rds-snapshot-shared.ts';
export { default as s3BucketExposed } from './exfiltration/s3-bucket-exposed.ts';
