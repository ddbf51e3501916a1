//! A filter that looks only at the call's number, as a search tree.
//!
//! The kernel tries every filter with every call's number when it is installed, and a long chain of
//! comparisons makes that the dearest step of a command's start. A tree answers in a few.

use seccompiler::{BpfProgram, sock_filter};

const LOAD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
const JUMP_IF_EQUAL: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const JUMP_IF_GREATER: u16 = 0x25; // BPF_JMP | BPF_JGT | BPF_K
const JUMP_IF_NOT_LESS: u16 = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const RETURN: u16 = 0x06; // BPF_RET | BPF_K

/// Offsets of `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;

/// Below this many entries a chain is as quick as a tree.
const CHAIN: usize = 4;

/// Answers each listed number with its error, numbers above `newest` with `ENOSYS`, the rest with
/// leave. A foreign architecture, whose numbers mean something else, is killed.
///
/// `None` if a jump would be too far for the instruction, which takes some hundred entries.
pub(super) fn build(architecture: u32, newest: u32, answers: &mut [(u32, i32)]) -> Option<BpfProgram> {
    answers.sort_unstable();
    let mut program = vec![
        step(LOAD, ARCHITECTURE),
        jump(JUMP_IF_EQUAL, architecture, 1, 0),
        step(RETURN, libc::SECCOMP_RET_KILL_PROCESS),
        step(LOAD, NUMBER),
        jump(JUMP_IF_GREATER, newest, 0, 1),
        refuse(libc::ENOSYS),
    ];
    program.extend(tree(answers)?);
    Some(program)
}

fn tree(answers: &[(u32, i32)]) -> Option<BpfProgram> {
    if answers.len() <= CHAIN {
        let mut chain = Vec::with_capacity(2 * answers.len() + 1);
        for (number, errno) in answers {
            chain.extend([jump(JUMP_IF_EQUAL, *number, 0, 1), refuse(*errno)]);
        }
        chain.push(step(RETURN, libc::SECCOMP_RET_ALLOW));
        return Some(chain);
    }
    let (low, high) = answers.split_at(answers.len() / 2);
    let (below, above) = (tree(low)?, tree(high)?);
    let mut program = vec![jump(JUMP_IF_NOT_LESS, high[0].0, u8::try_from(below.len()).ok()?, 0)];
    program.extend(below);
    program.extend(above);
    Some(program)
}

fn step(code: u16, k: u32) -> sock_filter {
    jump(code, k, 0, 0)
}

fn jump(code: u16, k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code, jt, jf, k }
}

fn refuse(errno: i32) -> sock_filter {
    step(RETURN, libc::SECCOMP_RET_ERRNO | errno.cast_unsigned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: u32 = 7;
    const NEWEST: u32 = 500;

    /// What the kernel would answer.
    fn answer(program: &BpfProgram, architecture: u32, number: u32) -> u32 {
        let (mut at, mut loaded) = (0, 0);
        loop {
            let step = &program[at];
            let holds = match step.code {
                LOAD => {
                    loaded = if step.k == NUMBER { number } else { architecture };
                    false
                }
                JUMP_IF_EQUAL => loaded == step.k,
                JUMP_IF_GREATER => loaded > step.k,
                JUMP_IF_NOT_LESS => loaded >= step.k,
                _ => return step.k,
            };
            at += 1 + usize::from(if holds { step.jt } else { step.jf });
        }
    }

    #[test]
    fn every_number_gets_exactly_its_answer() {
        for count in [0, 1, 4, 5, 9, 60, 100] {
            let listed = |number: u32| {
                (number.is_multiple_of(5) && number / 5 < count).then_some(1 + (number % 3).cast_signed())
            };
            let mut answers: Vec<(u32, i32)> =
                (0..=NEWEST).rev().filter_map(|number| Some((number, listed(number)?))).collect();
            let program = build(HERE, NEWEST, &mut answers).unwrap();
            for number in (0..=NEWEST + 5).chain([0x4000_0027, u32::MAX]) {
                let expected = match listed(number) {
                    _ if number > NEWEST => libc::SECCOMP_RET_ERRNO | libc::ENOSYS.cast_unsigned(),
                    Some(errno) => libc::SECCOMP_RET_ERRNO | errno.cast_unsigned(),
                    None => libc::SECCOMP_RET_ALLOW,
                };
                assert_eq!(answer(&program, HERE, number), expected, "{number} of {count}");
            }
            assert_eq!(answer(&program, HERE + 1, 1), libc::SECCOMP_RET_KILL_PROCESS);
        }
    }

    #[test]
    fn a_table_that_does_not_fit_is_refused() {
        let mut answers: Vec<(u32, i32)> = (0..1_000).map(|number| (number, 1)).collect();
        assert!(build(HERE, NEWEST, &mut answers).is_none());
    }
}
