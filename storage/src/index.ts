export { readSmallFile, replaceFile } from './small-file.ts';
export type { Disk, DiskFile } from './disk.ts';
export { StorageError, toStorageError, type StorageErrorCode } from './errors.ts';
export { endOf, HEADER_BYTES, isIntact, readHeader, type FrameHeader } from './frame.ts';
export { FRAME_BODY_BYTES, FrameGroup } from './frame-group.ts';
export {
  nextHeader,
  READ_BYTES,
  readFrames,
  seekFrame,
  type FrameChunk,
  type FrameOrGap,
  type Gap,
  type ReadFrame,
} from './frame-reader.ts';
export { GroupCommit, type GroupCommitOptions, type Waiter } from './group-commit.ts';
export { nodeDisk } from './node-disk.ts';
export { recoverSegment, type Recovered } from './recovery.ts';
export {
  listSegments,
  SegmentLog,
  segmentPath,
  type Segment,
  type SegmentLogOptions,
  type Watermark,
} from './segment-log.ts';
export { SimulatedDisk } from './simulated-disk.ts';
