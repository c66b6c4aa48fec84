//! The engine for graphics cards: `rust-bert` over libtorch, behind the feature `rust-bert`.
//!
//! It reads the same ONNX file as [`RtenTagger`](crate::rten_tagger::RtenTagger), for its weights
//! only; the network is `rust-bert`'s `BertModel` with the tagger's heads behind it.

use std::collections::HashMap;
use std::num::NonZeroUsize;

use rten_onnx::onnx::{DataType, ModelProto, TensorProto};
use rust_bert::bert::{BertConfig, BertEmbeddings, BertModel};
use tch::{Device, Kind, Tensor, nn};

use crate::encode::Sequence;
use crate::engine::{Answer, Inputs, MODEL, N_PIECES_PER_BATCH, Vocabulary};
use crate::tagger::{EncodedSentence, HIDDEN_SIZE, Labels, TagError, Tagger};

/// Layers of the encoder.
const N_LAYERS: i64 = 6;
/// The layer (0-based) whose states the statement branch goes on from.
const SHARED_LAYER: usize = 2;
/// Casings of a piece.
const N_CASINGS: i64 = 4;
/// Pieces in one forward pass on a graphics card, which is idle most of the time with fewer.
const N_PIECES_PER_CUDA_BATCH: usize = 16_384;

/// A tagger that computes with libtorch, on a graphics card when there is one.
pub struct RustBertTagger {
    vocabulary: Vocabulary,
    network: Network,
}

struct Network {
    bert: BertModel<BertEmbeddings>,
    heads: Dense,
    quad: Dense,
    embedding: Dense,
    device: Device,
    /// Owns the variables of `bert`.
    _store: nn::VarStore,
}

/// A linear layer: the weight is `[in, out]`.
struct Dense {
    weight: Tensor,
    bias: Tensor,
}

impl RustBertTagger {
    /// Loads the weights that are built into the program.
    ///
    /// On the CPU, libtorch computes on `n_threads` threads, a setting of the whole process.
    ///
    /// # Errors
    /// When the weights or the vocabulary do not load.
    pub fn embedded(n_threads: NonZeroUsize) -> Result<RustBertTagger, TagError> {
        tch::set_num_threads(i32::try_from(n_threads.get()).unwrap_or(i32::MAX));
        let network = Network::embedded().map_err(|reason| TagError::Weights { reason })?;
        Ok(RustBertTagger { vocabulary: Vocabulary::embedded()?, network })
    }
}

impl Tagger for RustBertTagger {
    fn labels(&self) -> &Labels {
        &self.vocabulary.labels
    }

    fn encode(&mut self, sentences: &[&str]) -> Result<Vec<EncodedSentence>, TagError> {
        let network = &self.network;
        let n_pieces = match network.device.is_cuda() {
            true => N_PIECES_PER_CUDA_BATCH,
            false => N_PIECES_PER_BATCH,
        };
        self.vocabulary.encode(sentences, n_pieces, |batch| {
            let error = |reason| TagError::Run { n_sequences: batch.len(), reason };
            tch::no_grad(|| network.run(batch)).map_err(error)
        })
    }
}

impl Network {
    fn embedded() -> Result<Network, String> {
        let weights = Weights::of(MODEL)?;
        let device = Device::cuda_if_available();
        let mut store = nn::VarStore::new(device);
        let words = weights.word_pieces()?;
        let places = weights.stored_half("bert.embeddings.position")?;
        let config = BertConfig {
            hidden_size: HIDDEN_SIZE as i64,
            intermediate_size: weights
                .stored_half("bert.encoder.layer.0.intermediate.dense.bias")?
                .size()[0],
            num_attention_heads: 12,
            num_hidden_layers: N_LAYERS,
            max_position_embeddings: places.size()[0],
            type_vocab_size: N_CASINGS,
            vocab_size: words.size()[0],
            output_hidden_states: Some(true),
            ..BertConfig::default()
        };
        let bert = BertModel::new_with_optional_pooler(store.root() / "bert", &config, false);
        for (name, mut variable) in store.variables() {
            let values = match name.as_str() {
                "bert.embeddings.word_embeddings.weight" => words.shallow_clone(),
                "bert.embeddings.position_embeddings.weight" => places.shallow_clone(),
                "bert.embeddings.token_type_embeddings.weight" => {
                    weights.stored_half("bert.embeddings.token_type")?
                }
                _ => weights.variable(&name)?,
            };
            if values.size() != variable.size() {
                let sizes = (values.size(), variable.size());
                return Err(format!("{name} has the shape {:?} instead of {:?}", sizes.0, sizes.1));
            }
            tch::no_grad(|| variable.f_copy_(&values)).map_err(|error| error.to_string())?;
        }
        store.freeze();
        let dense = |name: &str| -> Result<Dense, String> {
            let part =
                |kind| weights.stored_half(&format!("{name}.{kind}")).map(|it| it.to(device));
            Ok(Dense { weight: part("weight")?, bias: part("bias")? })
        };
        let (heads, quad, embedding) = (dense("heads")?, dense("q")?, dense("emb")?);
        Ok(Network { bert, heads, quad, embedding, device, _store: store })
    }

    fn run(&self, batch: &[Sequence]) -> Result<Answer, String> {
        let inputs = Inputs::of(batch);
        let shape = [batch.len() as i64, inputs.n_pieces as i64];
        let tensor = |values: &[i32]| {
            Tensor::from_slice(values).view(shape).to_kind(Kind::Int64).to(self.device)
        };
        let mask = tensor(&inputs.mask);
        let (ids, casing) = (tensor(&inputs.ids), tensor(&inputs.casing));
        let output = self
            .bert
            .forward_t(Some(&ids), Some(&mask), Some(&casing), None, None, None, None, false)
            .map_err(|error| error.to_string())?;
        let states = output
            .all_hidden_states
            .and_then(|mut it| (SHARED_LAYER < it.len()).then(|| it.swap_remove(SHARED_LAYER)));
        let states = states.ok_or("the network keeps no states of its layers")?;
        let rows = mask.to_kind(Kind::Float).unsqueeze(1);
        let count = rows.sum_dim_intlist([-1i64].as_slice(), false, Kind::Float);
        let mean = rows.matmul(&output.hidden_state).squeeze_dim(1) / count;
        let outputs = [
            values(&states)?,
            values(&self.heads.forward(&output.hidden_state))?,
            values(&self.quad.forward(&mean))?,
            values(&self.embedding.forward(&mean))?,
        ];
        Ok(Answer { n_sequences: batch.len(), outputs })
    }
}

impl Dense {
    fn forward(&self, x: &Tensor) -> Tensor {
        x.matmul(&self.weight) + &self.bias
    }
}

/// The numbers of `tensor`, row-major.
fn values(tensor: &Tensor) -> Result<Vec<f32>, String> {
    let flat = tensor.to(Device::Cpu).to_kind(Kind::Float).contiguous().view(-1);
    Vec::try_from(flat).map_err(|error: tch::TchError| error.to_string())
}

/// The constants of the ONNX file, as 32-bit numbers.
struct Weights {
    tensors: HashMap<String, Tensor>,
}

impl Weights {
    fn of(model: &[u8]) -> Result<Weights, String> {
        let model = ModelProto::parse_buf(model).map_err(|error| error.to_string())?;
        let graph = model.graph.ok_or("the file holds no graph")?;
        let mut tensors = HashMap::new();
        for constant in &graph.initializer {
            let name = constant.name.clone().unwrap_or_default();
            if let Some(tensor) = tensor_of(constant).map_err(|error| format!("{name}: {error}"))? {
                tensors.insert(name, tensor);
            }
        }
        Ok(Weights { tensors })
    }

    /// A constant in half precision by the name that it has in the graph.
    fn stored_half(&self, name: &str) -> Result<Tensor, String> {
        self.constant(&format!("{name}.f16"))
    }

    fn constant(&self, name: &str) -> Result<Tensor, String> {
        let tensor = self.tensors.get(name).map(Tensor::shallow_clone);
        tensor.ok_or_else(|| format!("the file holds no constant {name}"))
    }

    /// The table of word pieces: int8 with a scale for each part of a row.
    fn word_pieces(&self) -> Result<Tensor, String> {
        let steps = self.constant("words.i8")?;
        let scales = self.stored_half("words.scale")?;
        Ok((steps * scales).view([-1, HIDDEN_SIZE as i64]))
    }

    /// The values of a variable of the encoder. The file keeps the weights of linear layers
    /// transposed, and query, key and value in one.
    fn variable(&self, name: &str) -> Result<Tensor, String> {
        const THREE: [&str; 3] =
            [".attention.self.query.", ".attention.self.key.", ".attention.self.value."];
        for (at, part) in (0..).zip(THREE) {
            if let Some((layer, kind)) = name.split_once(part) {
                let all = self.stored_half(&format!("{layer}.qkv.{kind}"))?;
                let own = all.narrow(-1, at * HIDDEN_SIZE as i64, HIDDEN_SIZE as i64);
                return Ok(if kind == "weight" { own.tr() } else { own });
            }
        }
        let values = self.stored_half(name)?;
        Ok(if name.ends_with("dense.weight") { values.tr() } else { values })
    }
}

/// `None` for constants that are no weights (shapes, axes).
fn tensor_of(constant: &TensorProto) -> Result<Option<Tensor>, String> {
    let kind = match constant.data_type {
        Some(DataType::FLOAT16) => Kind::Half,
        Some(DataType::INT8) => Kind::Int8,
        _ => return Ok(None),
    };
    let data = constant.raw_data.as_ref().ok_or("has no data")?.borrow();
    let tensor = Tensor::f_from_data_size(&data, &constant.dims, kind);
    Ok(Some(tensor.map_err(|error| error.to_string())?.to_kind(Kind::Float)))
}
