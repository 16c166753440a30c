// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// Roots of append-only logs. A log belongs to whoever anchors it first; its size only grows, so no earlier
/// root can be put in the place of one that stands. Read it by receipt and event log.
contract XinqiaoAnchor {
    event Anchored(bytes32 indexed logId, uint256 indexed size, bytes32 root, uint256 time);

    mapping(bytes32 => uint256) public sizeOf;
    mapping(bytes32 => address) public keeperOf;

    error NotTheKeeper();
    error SizeMustGrow();

    function anchor(bytes32 logId, uint256 size, bytes32 root) external {
        address keeper = keeperOf[logId];
        if (keeper == address(0)) {
            keeperOf[logId] = msg.sender;
        } else if (keeper != msg.sender) {
            revert NotTheKeeper();
        }
        if (size <= sizeOf[logId]) revert SizeMustGrow();
        sizeOf[logId] = size;
        emit Anchored(logId, size, root, block.timestamp);
    }
}
