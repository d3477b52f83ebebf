//! Argon2id and its text form, computed in memory that is used over and over. Threads and queues are not known here.
//!
//! The library's own hasher takes new memory for each hash. With glibc that grows a gateway under a flood of passwords
//! to hundreds of MiB, of which nothing is given back.

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version};
use zeroize::{Zeroize as _, Zeroizing};

/// What a thread computes in; it grows to what is needed.
pub(super) type Memory = Vec<Block>;

/// A text that is no hash of ours, or parameters that make none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unusable;

const VERSION: Version = Version::V0x13;
const SALT: usize = 16;
const LENGTH: usize = Params::DEFAULT_OUTPUT_LEN;

/// The hash of a password with a fresh salt.
pub(super) fn hash(params: &Params, password: &[u8], memory: &mut Memory) -> Result<String, Unusable> {
    let salt: [u8; SALT] = rand::random();
    let mut output = Zeroizing::new([0; LENGTH]);
    compute(params, password, &salt, &mut *output, memory)?;
    text(params, &salt, &*output)
}

/// Whether `password` is the one that `phc` was made of.
pub(super) fn fits(phc: &str, password: &[u8], memory: &mut Memory) -> Result<bool, Unusable> {
    let kept = PasswordHash::new(phc).map_err(|_| Unusable)?;
    if kept.algorithm != ARGON2ID_IDENT || kept.version != Some(VERSION.into()) {
        return Err(Unusable);
    }
    let params = Params::try_from(&kept).map_err(|_| Unusable)?;
    let (Some(salt), Some(expected)) = (&kept.salt, &kept.hash) else {
        return Err(Unusable);
    };
    let mut output = Zeroizing::new(vec![0; expected.len()]);
    compute(&params, password, salt, &mut output, memory)?;
    Ok(subtle::ConstantTimeEq::ct_eq(output.as_slice(), expected.as_bytes()).into())
}

/// What a hash was made with, if it can be read.
pub(super) fn parameters(phc: &str) -> Option<Params> {
    Params::try_from(&PasswordHash::new(phc).ok()?).ok()
}

/// A hash that was not made of any password.
pub(super) fn of_nothing(params: &Params) -> Result<String, Unusable> {
    text(
        params,
        &rand::random::<[u8; SALT]>(),
        &rand::random::<[u8; LENGTH]>(),
    )
}

fn compute(
    params: &Params,
    password: &[u8],
    salt: &[u8],
    output: &mut [u8],
    memory: &mut Memory,
) -> Result<(), Unusable> {
    let blocks = params.block_count();
    if memory.len() < blocks {
        memory.resize(blocks, Block::default());
    }
    let memory = &mut memory[..blocks];
    let argon2 = Argon2::new(Algorithm::Argon2id, VERSION, params.clone());
    let computed = argon2.hash_password_into_with_memory(password, salt, output, &mut *memory);
    for block in memory {
        block.zeroize();
    }
    computed.map_err(|_| Unusable)
}

fn text(params: &Params, salt: &[u8], output: &[u8]) -> Result<String, Unusable> {
    let hash = PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(VERSION.into()),
        params: ParamsString::try_from(params).map_err(|_| Unusable)?,
        salt: Some(Salt::new(salt).map_err(|_| Unusable)?),
        hash: Some(Output::new(output).map_err(|_| Unusable)?),
    };
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::PasswordVerifier as _;

    use super::*;

    #[test]
    fn the_library_reads_our_hashes_and_used_memory_changes_nothing() {
        let mut memory = Memory::new();
        // Larger and smaller in turn, so that each computes in what another left.
        for (kib, iterations) in [(64, 1), (256, 2), (32, 3), (256, 1), (64, 1)] {
            let params = Params::new(kib, iterations, 1, None).unwrap();
            let hash = hash(&params, b"hunter42!", &mut memory).unwrap();
            let library = Argon2::default();
            assert!(
                library.verify_password(b"hunter42!", hash.as_str()).is_ok(),
                "{hash}"
            );
            assert!(library.verify_password(b"hunter42?", hash.as_str()).is_err());
            assert_eq!(fits(&hash, b"hunter42!", &mut memory), Ok(true));
            assert_eq!(fits(&hash, b"hunter42?", &mut memory), Ok(false));
        }
        assert!(
            memory
                .iter()
                .all(|block| block.as_ref().iter().all(|word| *word == 0))
        );
        assert_eq!(memory.len(), 256);
    }

    #[test]
    fn what_is_no_hash_of_ours_is_told() {
        let made = of_nothing(&Params::new(64, 1, 1, None).unwrap()).unwrap();
        assert_eq!(fits(&made, b"hunter42!", &mut Memory::new()), Ok(false));
        for broken in [
            String::new(),
            "$argon2id$nonsense".to_owned(),
            made.replace("argon2id", "argon2i"),
            made.replace("v=19", "v=16"),
            made.replace("t=1", "t=0"),
            made.rsplit_once('$').unwrap().0.to_owned(),
        ] {
            assert_eq!(
                fits(&broken, b"hunter42!", &mut Memory::new()),
                Err(Unusable),
                "{broken}"
            );
        }
    }
}
