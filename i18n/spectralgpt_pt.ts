<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" sourcelanguage="en" language="pt">
<context>
    <name>SpectralGPT</name>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/band_choice.py"/>
        <source>The model &#x27;{model}&#x27; needs {expected} bands in this order: {bands}. {given} bands were chosen for {parameter}. Choose one raster band for each, or none to match them automatically.</source>
        <translation>O modelo &#x27;{model}&#x27; precisa de {expected} bandas nesta ordem: {bands}. Foram escolhidas {given} para {parameter}. Escolha uma banda do raster para cada uma, ou nenhuma para que sejam associadas automaticamente.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/band_choice.py"/>
        <source>The layer &#x27;{layer}&#x27; is an image rendered by a web service, with only red, green and blue. The model &#x27;{model}&#x27; needs {expected} measured bands: {bands}. Use the original imagery, as a GeoTIFF or from a coverage service (WCS).</source>
        <translation>A camada &#x27;{layer}&#x27; é uma figura que um serviço web desenha, em vermelho, verde e azul. O modelo &#x27;{model}&#x27; precisa de {expected} bandas medidas: {bands}. Use a própria imagem de satélite, como GeoTIFF ou de um serviço de coberturas (WCS).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Imagery</source>
        <translation>Imagens</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Mapping</source>
        <translation>Mapeamento</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Training</source>
        <translation>Treinamento</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Accuracy</source>
        <translation>Exatidão</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Models</source>
        <translation>Modelos</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>&#x27;{parameter}&#x27; ({name}) is {value}; it must be at least {low:g}.</source>
        <translation>«{parameter}» ({name}) é {value}; tem de ser pelo menos {low:g}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>&#x27;{parameter}&#x27; ({name}) is {value}; it must be between {low:g} and {high:g}.</source>
        <translation>&#x27;{parameter}&#x27; ({name}) é {value}; deve estar entre {low:g} e {high:g}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>&#x27;{parameter}&#x27; would be written to &#x27;{target}&#x27;, but this tool cannot write that type of file. Specify a file name that ends in {expected}.</source>
        <translation>&#x27;{parameter}&#x27; seria gravado em &#x27;{target}&#x27;, que não é um arquivo que esta ferramenta grave. Dê um nome de arquivo que termine em {expected}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source> or </source>
        <translation> ou </translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>&#x27;{parameter}&#x27; would be written to &#x27;{target}&#x27;, but QGIS cannot open a GeoPackage with a &#x27;;&#x27; in its name, or with a &#x27;%&#x27; followed by two digits (such as %20) in its path. Choose another name or folder.</source>
        <translation>«{parameter}» deve ser escrito em «{target}»: o QGIS não abre nenhum GeoPackage com «;» no nome, nem com «%» e dois algarismos, como %20, no caminho. Indique outro nome ou outra pasta.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Stopped early. The results so far were kept.</source>
        <translation>Interrompido antes do fim. O que já estava feito foi mantido.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>Cancelled. Nothing was written.</source>
        <translation>Cancelado. Nada foi gravado.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/base.py"/>
        <source>The results so far were kept. To continue, run the tool again with the same settings and the same output.</source>
        <translation>O que foi calculado foi mantido. Execute a ferramenta de novo com as mesmas configurações e a mesma saída: ela continua de onde parou.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Label scenes</source>
        <translation>Rotular cenas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Labels grid cells or your own polygons with the kind of scene that a raster shows there.</source>
        <translation>Rotula as células de uma grade, ou os seus polígonos, conforme o que um raster mostra ali.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>scene classification,labels,tiles,patches,grid,zones,parcels,polygons,multi-label,deep learning,AI,EuroSAT,Sentinel-2</source>
        <translation>classificação de cenas,rótulos,blocos,recortes,grade,grelha,zonas,parcelas,polígonos,multirrótulo,aprendizado profundo,aprendizagem profunda,IA,scene classification,labels,tiles,patches,grid,deep learning,AI,EuroSAT,Sentinel-2</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>&lt;p&gt;Determines what kind of scene each place shows, such as a residential area, a highway or annual crops. Each cell or polygon gets one label as a whole; to classify individual pixels, use &#x27;Land-cover map&#x27;.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt;: a multispectral image, with all bands in one layer.&lt;br&gt;&lt;b&gt;Zones&lt;/b&gt;: polygons to label, such as parcels. Without zones, a grid is laid over the raster.&lt;br&gt;&lt;b&gt;Cell size&lt;/b&gt;: the side of a grid cell in map units; 0 uses the size that the model was trained on, which is usually best.&lt;br&gt;&lt;b&gt;Bands&lt;/b&gt;: leave empty to match them by name or wavelength.&lt;/p&gt;&lt;h3&gt;Output&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Labelled scenes&lt;/b&gt;: polygons with the label (class_name), its confidence in percent, and the probability of every class (prob_...), so that you can filter out uncertain ones. Below about 60, the second-best label was close. A multi-label model assigns every label above its threshold; the colour is that of the most probable one.&lt;/p&gt;</source>
        <translation>&lt;p&gt;Diz que tipo de cena cada local mostra, como uma área residencial, uma rodovia ou culturas anuais. Um rótulo vale para uma célula ou um polígono inteiro; para a classe de cada pixel, use &#x27;Mapa de cobertura do solo&#x27;.&lt;/p&gt;&lt;h3&gt;Entradas&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt;: uma imagem multiespectral, com todas as bandas em uma só camada.&lt;br&gt;&lt;b&gt;Zonas&lt;/b&gt;: polígonos a rotular, como parcelas. Sem zonas, uma grade é colocada sobre o raster.&lt;br&gt;&lt;b&gt;Tamanho da célula&lt;/b&gt;: o lado de uma célula da grade em unidades do mapa; 0 usa o tamanho com que o modelo aprendeu, o que em geral é o melhor.&lt;br&gt;&lt;b&gt;Bandas&lt;/b&gt;: deixe vazio para que sejam associadas pelo nome ou pelo comprimento de onda.&lt;/p&gt;&lt;h3&gt;Saída&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Cenas rotuladas&lt;/b&gt;: polígonos com o rótulo (class_name), a sua confiança em porcentagem e a probabilidade de cada classe (prob_...), para que você possa filtrar os duvidosos. Abaixo de cerca de 60, o segundo melhor rótulo estava próximo. Um modelo multirrótulo dá todos os rótulos que passaram do seu limiar; a cor é a do mais provável.&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Cell size (0 = the model&#x27;s own size)</source>
        <translation>Tamanho da célula (0 = o do modelo)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Raster</source>
        <translation>Raster</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Bands in the model&#x27;s order (empty = automatic)</source>
        <translation>Bandas na ordem do modelo (vazio = automático)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Zones to label (instead of a grid)</source>
        <translation>Zonas a rotular (em vez de uma grade)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Limit to these polygons (mask)</source>
        <translation>Limitar a estes polígonos (máscara)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Labelled scenes</source>
        <translation>Cenas rotuladas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/classify.py"/>
        <source>Scenes labelled</source>
        <translation>Número de cenas rotuladas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Detect change</source>
        <translation>Detectar mudanças</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Maps the changes between two multispectral rasters of the same place.</source>
        <translation>Mapeia o que mudou entre dois rasters multiespectrais do mesmo local.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>change detection,difference,before,after,two dates,bitemporal,monitoring,deep learning,AI,construction,urban,Sentinel-2,Landsat</source>
        <translation>detecção de mudanças,deteção de alterações,diferença,antes,depois,duas datas,bitemporal,monitoramento,monitorização,aprendizado profundo,IA,construção,urbano,change detection,difference,before,after,deep learning,AI,Sentinel-2,Landsat</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>&lt;p&gt;Maps what changed on the ground between two dates. What counts as change depends on the model: the included one detects construction, ignores seasons and crops, and mostly misses rising or falling water.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Before&lt;/b&gt; and &lt;b&gt;after&lt;/b&gt;: two multispectral rasters of the same place. They may differ in grid, pixel size and coordinate system: the second is resampled to the grid of the first. Choose cloud-free dates, if possible from the same season.&lt;br&gt;&lt;b&gt;Threshold&lt;/b&gt;: pixels count as changed from this probability on. Leave it empty to use the threshold of the model; raise it if too much is marked as changed, lower it if changes are missed.&lt;br&gt;&lt;b&gt;Minimum area&lt;/b&gt; removes smaller changes.&lt;/p&gt;&lt;h3&gt;Outputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Change map&lt;/b&gt;: 0 unchanged, 1 changed, on the grid of the first raster.&lt;br&gt;&lt;b&gt;Probability of change&lt;/b&gt; from 0 to 1: dark areas are the most certain. Where values are close to the threshold, compare the two images yourself.&lt;br&gt;&lt;b&gt;Polygons&lt;/b&gt; of what changed, and a table of &lt;b&gt;areas&lt;/b&gt;, measured on the ellipsoid.&lt;/p&gt;</source>
        <translation>&lt;p&gt;Mapeia o que mudou no terreno entre duas datas. O que conta como mudança depende do modelo: o que acompanha o complemento procura construções, ignora estações do ano e culturas e quase sempre deixa passar água que sobe ou desce.&lt;/p&gt;&lt;h3&gt;Entradas&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Antes&lt;/b&gt; e &lt;b&gt;depois&lt;/b&gt;: dois rasters multiespectrais do mesmo local. Podem diferir em grade, tamanho de pixel e sistema de coordenadas: o segundo é posto na grade do primeiro. Escolha datas sem nuvens e, se possível, da mesma estação do ano.&lt;br&gt;&lt;b&gt;Limiar&lt;/b&gt;: a probabilidade a partir da qual um pixel conta como alterado. Deixe vazio para usar o do modelo; aumente-o quando for marcado demais, reduza-o quando faltarem mudanças.&lt;br&gt;&lt;b&gt;Área mínima&lt;/b&gt; descarta mudanças menores.&lt;/p&gt;&lt;h3&gt;Saídas&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Mapa de mudanças&lt;/b&gt;: 0 inalterado, 1 alterado, na grade do primeiro raster.&lt;br&gt;&lt;b&gt;Probabilidade de mudança&lt;/b&gt; de 0 a 1: áreas escuras são seguras. Valores perto do limiar merecem um olhar nas duas imagens.&lt;br&gt;&lt;b&gt;Polígonos&lt;/b&gt; do que mudou, e uma tabela de &lt;b&gt;áreas&lt;/b&gt;, medidas no elipsoide.&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Raster before</source>
        <translation>Raster de antes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Raster after</source>
        <translation>Raster de depois</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Bands of the raster after, if different</source>
        <translation>Bandas do raster de depois, se forem diferentes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Threshold (0 to 1, not set = the model&#x27;s own)</source>
        <translation>Limiar (0 a 1, não definido = o do modelo)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Pixels count as changed from this probability on.</source>
        <translation>A probabilidade a partir da qual um pixel conta como alterado.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Minimum area of a change (m²)</source>
        <translation>Área mínima de uma mudança (m²)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Change map</source>
        <translation>Mapa de mudanças</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Probability of change</source>
        <translation>Probabilidade de mudança</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Change polygons</source>
        <translation>Polígonos de mudança</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Area of change</source>
        <translation>Área de mudança</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Threshold used</source>
        <translation>Limiar usado</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Changed area (m²)</source>
        <translation>Área alterada (m²)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>Both dates are the same raster &#x27;{}&#x27;, so no change can be detected. Choose the raster of the second date (AFTER).</source>
        <translation>As duas datas são o raster &#x27;{}&#x27;, no qual nada pode ter mudado. Escolha o raster da segunda data (AFTER).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/detect_change.py"/>
        <source>The rasters &#x27;{before}&#x27; and &#x27;{after}&#x27; do not overlap, so there is nothing to compare. Choose two rasters of the same place, or correct the coordinate system of one (right-click, Layer CRS).</source>
        <translation>Os rasters &#x27;{before}&#x27; e &#x27;{after}&#x27; não se sobrepõem; não há nada a comparar. Escolha dois rasters do mesmo local ou corrija o sistema de referência de coordenadas de um deles (botão direito, SRC da camada).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Evaluate map</source>
        <translation>Avaliar mapa</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Measures the accuracy of a map or a model, with confidence intervals, at places where the true class is known.</source>
        <translation>Diz quão bom é um mapa ou um modelo, com intervalos, a partir de locais onde se conhece a verdade.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>accuracy assessment,validation,confusion matrix,error matrix,kappa,F1,IoU,overall accuracy,user&#x27;s accuracy,producer&#x27;s accuracy,area estimation,Olofsson</source>
        <translation>avaliação da exatidão,acurácia,validação,matriz de confusão,matriz de erros,kappa,F1,IoU,exatidão global,exatidão do usuário,exatidão do produtor,estimativa de área,accuracy assessment,validation,confusion matrix,overall accuracy,user&#x27;s accuracy,producer&#x27;s accuracy,Olofsson</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>&lt;p&gt;Compares a map with places whose true class you know. The result shows how much of the map is correct, which classes are confused, and how reliable these figures are.&lt;/p&gt;&lt;h3&gt;What to collect first&lt;/h3&gt;&lt;p&gt;Draw the points with &#x27;Draw sample of a map&#x27; and fill in their field &lt;i&gt;reference&lt;/i&gt;. Only such a random sample represents the whole map and gives areas corrected for the errors of the map. You can also use polygons that you chose yourself, but their figures apply only to these places. Never use the labels that the model was trained on.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Map&lt;/b&gt;: a class map; or, if you choose a &lt;b&gt;model&lt;/b&gt;, the image to map with it.&lt;br&gt;&lt;b&gt;Reference&lt;/b&gt;: points, polygons or a class raster, in any coordinate system.&lt;br&gt;&lt;b&gt;Field&lt;/b&gt;: the true class, as the name or the value of the map&#x27;s class.&lt;br&gt;&lt;b&gt;Design&lt;/b&gt;: how the reference was drawn. &lt;i&gt;stratified&lt;/i&gt; weights each class by its area in the map; &lt;i&gt;simple&lt;/i&gt; gives all samples the same weight; &lt;i&gt;auto&lt;/i&gt; uses stratified for a sample drawn with this plugin.&lt;br&gt;&lt;b&gt;Confidence level&lt;/b&gt; of the intervals: at 95, nineteen out of twenty such intervals contain the true value.&lt;/p&gt;&lt;h3&gt;Outputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Report&lt;/b&gt;: a page with all figures, to read or print.&lt;br&gt;&lt;b&gt;Table&lt;/b&gt;: the confusion matrix; rows are true, columns mapped.&lt;br&gt;The main figures are also available as numbers in the Model Designer. Overall accuracy is misleading if one class covers most of the map: check each class in the report.&lt;/p&gt;</source>
        <translation>&lt;p&gt;Compara um mapa com locais onde você sabe o que existe: quanto está certo, o que é confundido com o quê e quão seguros são esses números.&lt;/p&gt;&lt;h3&gt;O que coletar antes&lt;/h3&gt;&lt;p&gt;Sorteie os pontos com &#x27;Sortear amostra de um mapa&#x27; e preencha o campo &lt;i&gt;reference&lt;/i&gt; deles. Só uma amostra aleatória assim vale para o mapa inteiro e dá áreas corrigidas pelos erros do mapa. Polígonos que você mesmo escolheu também funcionam, mas falam apenas desses locais. Nunca use os rótulos com que o modelo foi treinado: ele já os conhece.&lt;/p&gt;&lt;h3&gt;Entradas&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Mapa&lt;/b&gt;: um mapa de classes; ou, quando você escolhe um &lt;b&gt;modelo&lt;/b&gt;, a imagem que ele deve mapear.&lt;br&gt;&lt;b&gt;Referência&lt;/b&gt;: pontos, polígonos ou um raster de classes, em qualquer sistema de coordenadas.&lt;br&gt;&lt;b&gt;Campo&lt;/b&gt;: a classe verdadeira, pelo nome ou pelo valor da classe do mapa.&lt;br&gt;&lt;b&gt;Desenho amostral&lt;/b&gt;: como a referência foi sorteada. &lt;i&gt;stratified&lt;/i&gt; (estratificado) pondera cada classe pela sua área no mapa; &lt;i&gt;simple&lt;/i&gt; (simples) conta todos por igual; &lt;i&gt;auto&lt;/i&gt; usa o estratificado para uma amostra sorteada com este complemento.&lt;br&gt;&lt;b&gt;Confiança&lt;/b&gt;: a dos intervalos. Com 95, dezenove de cada vinte intervalos assim contêm o valor verdadeiro.&lt;/p&gt;&lt;h3&gt;Saídas&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Relatório&lt;/b&gt;: uma página com todos os números, para ler ou imprimir.&lt;br&gt;&lt;b&gt;Tabela&lt;/b&gt;: a matriz de confusão; as linhas são a verdade, as colunas o mapeado.&lt;br&gt;Os números principais também são saídas que um modelo do modelador gráfico pode usar. A exatidão global engana quando uma classe cobre a maior parte do mapa: olhe cada classe no relatório.&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Class map, or the raster to map if a model is chosen</source>
        <translation>Mapa de classes ou, com um modelo, o raster a mapear</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Reference: points, polygons or a class raster</source>
        <translation>Referência: pontos, polígonos ou um raster de classes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>How the reference was drawn</source>
        <translation>Como a referência foi sorteada</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>stratified: at random within each class of the map. simple: in any other way.</source>
        <translation>stratified (estratificado): ao acaso dentro de cada classe do mapa. simple (simples): de qualquer outra forma.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Confidence level of the intervals (percent)</source>
        <translation>Confiança dos intervalos (por cento)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>If a model is chosen: bands in its order (empty = automatic)</source>
        <translation>Com um modelo: bandas na ordem dele (vazio = automático)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Confusion matrix</source>
        <translation>Matriz de confusão</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Overall accuracy</source>
        <translation>Exatidão global</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Overall accuracy, lower limit of the interval</source>
        <translation>Exatidão global, limite inferior do intervalo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Overall accuracy, upper limit of the interval</source>
        <translation>Exatidão global, limite superior do intervalo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Kappa</source>
        <translation>Kappa</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Mean intersection over union</source>
        <translation>Média da interseção sobre união (IoU)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Mean F1 of the classes</source>
        <translation>F1 médio das classes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Places compared</source>
        <translation>Locais comparados</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Overall accuracy, area-weighted</source>
        <translation>Exatidão global ponderada pela área</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Area-weighted accuracy, lower limit of the interval</source>
        <translation>Exatidão ponderada pela área, limite inferior do intervalo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/evaluate.py"/>
        <source>Area-weighted accuracy, upper limit of the interval</source>
        <translation>Exatidão ponderada pela área, limite superior do intervalo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>Export model</source>
        <translation>Exportar modelo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>Writes a model as a file for use elsewhere: ONNX, ONNX for Deepness, or weights.</source>
        <translation>Grava um modelo como arquivo para uso em outro lugar: ONNX, ONNX para o Deepness ou pesos.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>model,export,share,ONNX,safetensors,Deepness,weights,convert</source>
        <translation>modelo,exportar,compartilhar,partilhar,pesos,converter,model,export,share,weights,convert,ONNX,safetensors,Deepness</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>&lt;p&gt;Writes a model as one file for use elsewhere.&lt;/p&gt;&lt;h3&gt;Formats&lt;/h3&gt;&lt;p&gt;&lt;b&gt;onnx&lt;/b&gt;: for ONNX Runtime and for this plugin on another computer. The file carries the model&#x27;s card: its bands with wavelengths, its scaling, its classes with colours, its accuracy and its licence. A model that only has weights is converted to a graph, which is compared with the original.&lt;br&gt;&lt;b&gt;deepness&lt;/b&gt;: for the QGIS plugin Deepness. Values must be reflectance x 10000 and bands in the model&#x27;s order; scene labels become maps with one class per window; for change detection, stack the bands of both dates. The result is compared with the model before it is saved.&lt;br&gt;&lt;b&gt;safetensors&lt;/b&gt;: the weights, for further training; only for models that have them.&lt;/p&gt;&lt;p&gt;To create a file for Deepness, or a graph from weights, the engine&#x27;s training libraries are needed (SpectralGPT &gt; Engine). Observe the licence of the model if you share it.&lt;/p&gt;</source>
        <translation>&lt;p&gt;Grava um modelo como um único arquivo para uso em outro lugar.&lt;/p&gt;&lt;h3&gt;Formatos&lt;/h3&gt;&lt;p&gt;&lt;b&gt;onnx&lt;/b&gt;: para o ONNX Runtime e para este complemento em outro computador. O arquivo leva a ficha do modelo: as bandas com comprimentos de onda, a escala dos valores, as classes com cores, a exatidão e a licença. Um modelo que até agora só tem pesos é transformado em um grafo, que é comparado com eles.&lt;br&gt;&lt;b&gt;deepness&lt;/b&gt;: para o complemento Deepness do QGIS. Os valores devem ser reflectância x 10000 e as bandas devem estar na ordem do modelo; cenas viram mapas iguais em toda uma janela; para mudanças, as bandas das duas datas formam uma só pilha. O que é gravado é antes comparado com o modelo.&lt;br&gt;&lt;b&gt;safetensors&lt;/b&gt;: os pesos, para treinar a partir deles; só para modelos que os têm.&lt;/p&gt;&lt;p&gt;Criar um arquivo para o Deepness, ou um grafo a partir de pesos, exige as bibliotecas de treinamento do motor (SpectralGPT &gt; Motor). Observe a licença do modelo ao passá-lo adiante.&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>Format</source>
        <translation>Formato</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>onnx includes the model card; deepness is for the QGIS plugin Deepness; safetensors contains weights for further training.</source>
        <translation>onnx leva a ficha do modelo; deepness é para o complemento do QGIS com esse nome; safetensors são pesos para treinar a partir deles.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>Exported model</source>
        <translation>Modelo exportado</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>ONNX model (*.onnx);;Model to train from (*.safetensors)</source>
        <translation>Modelo ONNX (*.onnx);;Modelo para treinar (*.safetensors)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>Largest difference in a probability</source>
        <translation>Maior diferença de uma probabilidade</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>Choose a model: the name of an installed model, or a model file.</source>
        <translation>Escolha um modelo: o nome de um instalado ou um arquivo de modelo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>The format &#x27;{format}&#x27; needs a file that ends in {ending}, but the output is &#x27;{output}&#x27;. Change one of them.</source>
        <translation>O formato &#x27;{format}&#x27; é um arquivo que termina em {ending}, e a saída é &#x27;{output}&#x27;. Altere um dos dois.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/export_model.py"/>
        <source>There is no model &#x27;{name}&#x27;. Choose one of these: {known}; or a model file.</source>
        <translation>Não existe o modelo &#x27;{name}&#x27;. Escolha um destes: {known}; ou um arquivo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Train model from labels</source>
        <translation>Treinar modelo com rótulos</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Trains a model of your own from a few polygons, points or a class raster.</source>
        <translation>Cria um modelo próprio a partir de poucos polígonos, pontos ou um raster de classes.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>train,fine-tune,finetune,learn,samples,ROI,polygons,labels,few-shot,classification,segmentation,change,random forest,deep learning,AI,foundation model,transfer learning</source>
        <translation>treinar,treinamento,treino,ajuste fino,aprender,amostras,ROI,polígonos,rótulos,poucas amostras,classificação,segmentação,mudança,aprendizado profundo,IA,modelo fundacional,transferência de aprendizado,train,fine-tune,finetune,samples,labels,few-shot,classification,segmentation,change,random forest,deep learning,AI,foundation model,transfer learning</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>&lt;p&gt;Trains a model on your own classes, so that you can map them in other places. It starts from a backbone that was pretrained on multispectral imagery, so a few labels are enough.&lt;/p&gt;&lt;h3&gt;What to draw first&lt;/h3&gt;&lt;p&gt;Create a polygon layer with a field for the class. Draw three to ten small polygons of &lt;b&gt;every&lt;/b&gt; class, in different places, each on an area that clearly belongs to this class. Include areas that are easily confused, and one class for &#x27;everything else&#x27;. Areas that you do not label are ignored; they do not count as background. If the polygons are spread out, the tool can also measure the accuracy on areas that the model has not seen.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Rasters&lt;/b&gt;: the images of the labelled areas. Several images can share one label layer.&lt;br&gt;&lt;b&gt;Labels&lt;/b&gt;: polygons, points or a class raster, in any coordinate system. Unsaved edits are included. The model takes over the colours and names of the layer&#x27;s classes.&lt;br&gt;&lt;b&gt;Field&lt;/b&gt;: text or whole numbers, with one value for each class.&lt;br&gt;&lt;b&gt;Task&lt;/b&gt;: &lt;i&gt;segmentation&lt;/i&gt; assigns a class to every pixel; &lt;i&gt;scenes&lt;/i&gt; assigns one label to a whole polygon; &lt;i&gt;change&lt;/i&gt; compares the rasters with those of a second date, using labels for changed and unchanged areas.&lt;br&gt;&lt;b&gt;Method&lt;/b&gt;: &lt;i&gt;quick&lt;/i&gt; keeps the backbone unchanged and takes seconds; &lt;i&gt;adapters&lt;/i&gt; changes a small part of its weights; &lt;i&gt;full&lt;/i&gt; changes all of them and needs many labels and a GPU. &lt;i&gt;auto&lt;/i&gt; decides by the number of labels and your computer, and explains why.&lt;br&gt;&lt;b&gt;Where the model will be used&lt;/b&gt;: &lt;i&gt;anywhere&lt;/i&gt; makes it robust to other dates, light and haze; &lt;i&gt;here&lt;/i&gt; is slightly better on these rasters, but may fail on others.&lt;br&gt;&lt;b&gt;Epochs&lt;/b&gt;: how many times the training passes through the labels; with 0, it stops automatically.&lt;/p&gt;&lt;h3&gt;Outputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Model&lt;/b&gt;: in the suggested folder it is installed immediately, and the mapping tools list it by its name. A file for further training is written next to it.&lt;br&gt;&lt;b&gt;Report&lt;/b&gt;: the accuracy on held-back labels for each class, and how to repeat the training.&lt;/p&gt;&lt;p&gt;Needs the engine&#x27;s training libraries (SpectralGPT &gt; Engine).&lt;/p&gt;</source>
        <translation>&lt;p&gt;Mostra ao modelo como são as suas classes e cria um modelo que as mapeia em outros lugares. Parte de um backbone que já conhece imagens multiespectrais, por isso poucos rótulos bastam.&lt;/p&gt;&lt;h3&gt;O que desenhar antes&lt;/h3&gt;&lt;p&gt;Crie uma camada de polígonos com um campo para a classe. Desenhe de três a dez polígonos pequenos de &lt;b&gt;cada&lt;/b&gt; classe, em locais diferentes, cada um em terreno que seja com certeza dessa classe. Inclua o que se confunde facilmente e uma classe para &#x27;todo o resto&#x27;. O que você não rotula é ignorado; não conta como fundo. Polígonos afastados uns dos outros também permitem à ferramenta avaliar o modelo em terreno com que ele não aprendeu.&lt;/p&gt;&lt;h3&gt;Entradas&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Rasters&lt;/b&gt;: as imagens com o terreno rotulado. Várias podem usar a mesma camada de rótulos.&lt;br&gt;&lt;b&gt;Rótulos&lt;/b&gt;: polígonos, pontos ou um raster de classes, em qualquer sistema de coordenadas. Edições não salvas contam. As cores e os nomes das classes da camada passam a ser os do modelo.&lt;br&gt;&lt;b&gt;Campo&lt;/b&gt;: texto ou números inteiros, um valor para cada classe.&lt;br&gt;&lt;b&gt;Tarefa&lt;/b&gt;: &lt;i&gt;segmentation&lt;/i&gt; (segmentação) aprende uma classe para cada pixel; &lt;i&gt;scenes&lt;/i&gt; (cenas), um rótulo para um polígono inteiro; &lt;i&gt;change&lt;/i&gt; (mudanças) compara os rasters com os de uma segunda data, com rótulos que dizem onde algo mudou e onde nada mudou.&lt;br&gt;&lt;b&gt;Método&lt;/b&gt;: &lt;i&gt;quick&lt;/i&gt; (rápido) mantém o backbone e leva segundos; &lt;i&gt;adapters&lt;/i&gt; (adaptadores) altera poucos dos seus pesos; &lt;i&gt;full&lt;/i&gt; (completo) altera todos e pede muitos rótulos e uma GPU. &lt;i&gt;auto&lt;/i&gt; decide conforme os seus rótulos e a sua máquina e diz por quê.&lt;br&gt;&lt;b&gt;Onde o modelo deve funcionar&lt;/b&gt;: &lt;i&gt;anywhere&lt;/i&gt; (em qualquer lugar) faz com que ele suporte outras datas, outra luz e névoa; &lt;i&gt;here&lt;/i&gt; (aqui) é um pouco melhor nestes mesmos rasters e pode falhar em outros.&lt;br&gt;&lt;b&gt;Rodadas&lt;/b&gt;: quantas vezes os rótulos são percorridos; com 0, para sozinho.&lt;/p&gt;&lt;h3&gt;Saídas&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Modelo&lt;/b&gt;: na pasta sugerida, fica instalado de imediato, e as ferramentas de mapas o listam pelo nome. Um arquivo para continuar treinando é gravado ao lado.&lt;br&gt;&lt;b&gt;Relatório&lt;/b&gt;: quão bom é o modelo nos rótulos que foram reservados, classe por classe, e como criá-lo de novo.&lt;/p&gt;&lt;p&gt;Exige as bibliotecas de treinamento do motor (SpectralGPT &gt; Motor).&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Name of the model</source>
        <translation>Nome do modelo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Method used</source>
        <translation>Método usado</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Classes</source>
        <translation>Classes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Rasters</source>
        <translation>Rasters</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Labels: polygons, points or a class raster</source>
        <translation>Rótulos: polígonos, pontos ou um raster de classes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Task of the model</source>
        <translation>O que o modelo deve fazer</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>A class for every pixel, a label for a whole polygon, or change between two dates.</source>
        <translation>Uma classe para cada pixel, um rótulo para um polígono inteiro ou mudanças entre duas datas.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Rasters of the second date (for change only)</source>
        <translation>Rasters da segunda data (só para mudanças)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Model to start from</source>
        <translation>Modelo de partida</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Method</source>
        <translation>Método</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>auto decides by the number of labels and the computer. quick trains only a last layer and takes seconds; adapters also trains a small part of the model; full trains all of it and takes longest.</source>
        <translation>auto decide conforme o número de rótulos e a máquina. quick ajusta um último passo sobre o modelo como está e leva segundos; com adapters uma pequena parte do modelo também aprende; com full, todo ele, o que demora mais.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Where the model will be used</source>
        <translation>Onde o modelo deve funcionar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>anywhere makes the model robust to other dates, light and haze. here is slightly better on these rasters, but may fail on others.</source>
        <translation>anywhere (em qualquer lugar) faz com que suporte outras datas, outra luz e névoa. here (aqui) é um pouco melhor nestes rasters e pode falhar em outros.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Epochs (0 = automatic)</source>
        <translation>Rodadas pelos rótulos (0 = automático)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Bands of the second date, if different</source>
        <translation>Bandas da segunda data, se forem diferentes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Labels held back for validation (percent)</source>
        <translation>Rótulos a reservar para a avaliação (por cento)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Whole groups of neighbouring labels are held back, so that accuracy is measured on areas that the model has not seen. With 0, all labels are used for training, and the accuracy is not measured.</source>
        <translation>São reservados grupos inteiros de rótulos vizinhos, para que o modelo seja avaliado em outro lugar. Com 0, aprende com todos e não pode dizer quão bom é o modelo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>A scene may have several labels</source>
        <translation>Uma cena pode ter vários rótulos</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>For scenes: the field then contains several labels separated by ; or , or as a list.</source>
        <translation>Para cenas: o campo contém então os rótulos separados por ; ou , ou como lista.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Model</source>
        <translation>Modelo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Models for mapping (*.onnx)</source>
        <translation>Modelos para predizer (*.onnx)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>No training data was specified. Choose the rasters with the labelled areas.</source>
        <translation>Não há nada com que aprender. Escolha os rasters com o terreno rotulado.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Change detection needs two dates. Add the rasters of the second date (AFTER), one for each of the first, in the same order.</source>
        <translation>Mudanças são aprendidas com duas datas: dê os rasters da segunda data (AFTER), um para cada um da primeira, na mesma ordem.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>There are {before} rasters of the first date (INPUT) and {after} of the second (AFTER). Choose one of the second date for each of the first, in the same order.</source>
        <translation>Há {before} rasters da primeira data (INPUT) e {after} da segunda (AFTER). Dê um da segunda para cada um da primeira, na mesma ordem.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Rasters of a second date (AFTER) were specified, but the task is &#x27;{task}&#x27;. Choose the task &#x27;change&#x27;, or leave the second date empty.</source>
        <translation>Foram dados rasters de uma segunda data (AFTER), mas a tarefa é &#x27;{task}&#x27;. Escolha a tarefa &#x27;change&#x27; (mudanças) ou deixe a segunda data vazia.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Several labels (MULTILABEL) are only possible for whole scenes, but the task is &#x27;{}&#x27;. Untick this option, or choose the task &#x27;scenes&#x27;.</source>
        <translation>Vários rótulos (MULTILABEL) são para cenas inteiras, mas a tarefa é &#x27;{}&#x27;. Desmarque a opção ou escolha a tarefa &#x27;scenes&#x27; (cenas).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>Scenes need polygons or points with one label each, but &#x27;{}&#x27; is a raster. Choose a vector layer, or the task &#x27;segmentation&#x27;.</source>
        <translation>Cenas são aprendidas com polígonos ou pontos com um rótulo cada, mas &#x27;{}&#x27; é um raster. Escolha uma camada vetorial ou a tarefa &#x27;segmentation&#x27; (segmentação).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>&#x27;Land-cover map&#x27;</source>
        <translation>&#x27;Mapa de cobertura do solo&#x27;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>&#x27;Label scenes&#x27;</source>
        <translation>&#x27;Rotular cenas&#x27;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/finetune.py"/>
        <source>&#x27;Detect change&#x27;</source>
        <translation>&#x27;Detectar mudanças&#x27;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Import model</source>
        <translation>Importar modelo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Turns a published SpectralGPT checkpoint into a model for this plugin.</source>
        <translation>Transforma um checkpoint publicado do SpectralGPT em um modelo para este complemento.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>model,checkpoint,weights,pth,ONNX,safetensors,SpectralGPT,import,convert</source>
        <translation>modelo,checkpoint,pesos,importar,converter,model,weights,pth,ONNX,safetensors,SpectralGPT,import,convert</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>&lt;p&gt;Converts a published SpectralGPT checkpoint (SpectralGPT.pth, SpectralGPT+.pth, or one fine-tuned for segmentation or change) into a model file for this plugin. Only the weights in the file are read: no code in it is executed, and files with any other content are rejected.&lt;/p&gt;&lt;p&gt;A model made with this plugin on another computer (.onnx, .safetensors) is checked and copied.&lt;/p&gt;&lt;h3&gt;Output&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Model&lt;/b&gt;: a .safetensors file for training, or an .onnx file for mapping. In the model folder of the plugin it appears in the list of models; in any other folder, specify its path as the model.&lt;/p&gt;&lt;p&gt;To import a checkpoint, the engine&#x27;s training libraries are needed (SpectralGPT &gt; Engine).&lt;/p&gt;</source>
        <translation>&lt;p&gt;Transforma um checkpoint publicado do SpectralGPT (SpectralGPT.pth, SpectralGPT+.pth ou um com ajuste fino para segmentação ou mudanças) em um arquivo de modelo para este complemento. O arquivo é lido apenas como números: nada nele é executado, e um arquivo que contenha qualquer outra coisa é recusado.&lt;/p&gt;&lt;p&gt;Um modelo que este complemento criou em outro computador (.onnx, .safetensors) é verificado e copiado.&lt;/p&gt;&lt;h3&gt;Saída&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Modelo&lt;/b&gt;: um arquivo .safetensors para treinar, ou um arquivo .onnx para fazer mapas. Gravado na pasta de modelos do complemento, aparece na lista de modelos; em outro lugar, indique o caminho dele como modelo.&lt;/p&gt;&lt;p&gt;Um checkpoint exige as bibliotecas de treinamento do motor (SpectralGPT &gt; Motor).&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Checkpoint</source>
        <translation>Checkpoint</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Checkpoints and models (*.pth *.pt *.ckpt *.onnx *.safetensors);;All files (*.*)</source>
        <translation>Checkpoints e modelos (*.pth *.pt *.ckpt *.onnx *.safetensors);;Todos os arquivos (*.*)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Content of the file</source>
        <translation>O que o arquivo contém</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>auto detects it from the file.</source>
        <translation>auto examina o arquivo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Leave empty to use the name of the file.</source>
        <translation>Vazio usa o nome do arquivo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Model to train from (*.safetensors);;Model for mapping (*.onnx)</source>
        <translation>Modelo para treinar (*.safetensors);;Modelo para predizer (*.onnx)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>Purpose of the model</source>
        <translation>Para que serve</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>There is no checkpoint &#x27;{}&#x27;. Choose the file that you downloaded.</source>
        <translation>Não existe o checkpoint &#x27;{}&#x27;. Escolha o arquivo baixado.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/import_model.py"/>
        <source>A model is imported without conversion, so the output must end in {ending}, like &#x27;{given}&#x27;.</source>
        <translation>Um modelo é incorporado como está: a saída deve terminar em {ending}, como &#x27;{given}&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>The additional no-data values of &#x27;{}&#x27; cannot be passed to the engine, which would treat them as classes. Set them in the file instead.</source>
        <translation>O motor não conhece os valores adicionais sem dados de &#x27;{}&#x27;: ele os toma por classes. Defina-os no próprio arquivo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>The layer &#x27;{}&#x27; has neither polygons nor points. Choose a layer with polygons or points, or a class raster.</source>
        <translation>A camada &#x27;{}&#x27; não tem polígonos nem pontos. Escolha uma camada de polígonos, de pontos ou um raster de classes.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>none</source>
        <translation>nenhum</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>Choose the field of &#x27;{layer}&#x27; that contains the class of each feature. Available fields: {fields}.</source>
        <translation>Escolha o campo de &#x27;{layer}&#x27; que contém a classe de cada feição. Os campos são: {fields}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>The layer &#x27;{layer}&#x27; has no field &#x27;{field}&#x27;. Available fields: {fields}.</source>
        <translation>A camada &#x27;{layer}&#x27; não tem o campo &#x27;{field}&#x27;. Os campos são: {fields}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>No features are selected in &#x27;{}&#x27;. Select the features to use, or untick &#x27;Selected features only&#x27;.</source>
        <translation>Nada está selecionado em &#x27;{}&#x27;. Selecione as feições a usar ou desmarque &#x27;Apenas feições selecionadas&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/label_input.py"/>
        <source>The labels &#x27;{layer}&#x27; have only one class: &#x27;{label}&#x27;. Also label areas that do not belong to this class, for instance as &#x27;other&#x27;.</source>
        <translation>Os rótulos &#x27;{layer}&#x27; têm uma só classe: &#x27;{label}&#x27;. Rotule também o que não é desta classe, por exemplo como &#x27;outro&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/layer_values.py"/>
        <source>The file &#x27;{file}&#x27; ({name}) cannot be opened as a raster: it is damaged, incomplete or in a format that QGIS cannot read. Copy or download it again.</source>
        <translation>O arquivo &#x27;{file}&#x27; ({name}) não pode ser aberto como raster: está danificado, não foi copiado até o fim ou é de um tipo que o QGIS não lê. Copie-o ou baixe-o de novo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/layer_values.py"/>
        <source>The file &#x27;{file}&#x27; ({name}) cannot be opened as a layer: it is damaged, incomplete or in a format that QGIS cannot read. Copy or download it again.</source>
        <translation>O arquivo &#x27;{file}&#x27; ({name}) não pode ser aberto como camada: está danificado, não foi copiado até o fim ou é de um tipo que o QGIS não lê. Copie-o ou baixe-o de novo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Open satellite product</source>
        <translation>Abrir produto de satélite</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Opens a Sentinel-2, Landsat or HLS product as one raster, with its clouds masked.</source>
        <translation>Abre um produto Sentinel-2, Landsat ou HLS como um único raster, com as nuvens mascaradas.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Sentinel-2,Landsat,HLS,SAFE,zip,tar,JPEG 2000,jp2,bands,stack,virtual raster,VRT,clouds,cloud mask,SCL,QA_PIXEL,reflectance,import</source>
        <translation>Sentinel-2,Landsat,HLS,SAFE,zip,tar,JPEG 2000,jp2,bandas,empilhar,raster virtual,VRT,nuvens,máscara de nuvens,SCL,QA_PIXEL,reflectância,importar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>&lt;p&gt;Opens a satellite product as it was downloaded, and combines it into one raster for the other tools, with named bands, values as reflectance, and masked clouds. No pixels are copied: the raster is a small file that refers to the product, so keep the product where it is.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Product&lt;/b&gt;: any file of the product, or its archive: Sentinel-2 Level-2A or Level-1C (.SAFE folder or .zip), Landsat Collection 2 (folder or .tar), HLS version 2 (folder). Scripts can also pass the folder.&lt;br&gt;&lt;b&gt;Pixel size&lt;/b&gt;: 0 uses the finest of the product: 10 m for Sentinel-2, 30 m for Landsat and HLS. Coarser bands are repeated, finer ones averaged.&lt;br&gt;&lt;b&gt;Mask clouds&lt;/b&gt;: clouds, their shadows and cirrus become no-data, based on the layer delivered with the product (SCL, MSK_CLASSI, QA_PIXEL or Fmask). This layer misses thin clouds and sometimes mistakes bright roofs or snow for clouds, so check the result.&lt;/p&gt;&lt;h3&gt;Output&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt;: a virtual raster (.vrt), shown in natural colours; the mask is written beside it. Thermal, panchromatic and quality bands are left out.&lt;/p&gt;</source>
        <translation>&lt;p&gt;Abre um produto de satélite tal como foi baixado e faz dele um raster para as outras ferramentas: todas as bandas com os seus nomes, os valores como reflectância e as nuvens mascaradas. Nenhum pixel é copiado: o raster é um arquivo pequeno que aponta para o produto; por isso, deixe o produto onde está.&lt;/p&gt;&lt;h3&gt;Entradas&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Produto&lt;/b&gt;: qualquer arquivo do produto, ou o seu pacote compactado: Sentinel-2 Level-2A ou Level-1C (pasta .SAFE ou .zip), Landsat Collection 2 (pasta ou .tar), HLS versão 2 (pasta). Scripts também podem indicar a pasta.&lt;br&gt;&lt;b&gt;Tamanho do pixel&lt;/b&gt;: 0 usa o mais fino do produto: 10 m no Sentinel-2, 30 m em Landsat e HLS. Bandas mais grossas são repetidas, as mais finas têm a média calculada.&lt;br&gt;&lt;b&gt;Mascarar nuvens&lt;/b&gt;: nuvens, as suas sombras e cirros passam a ser sem dados, segundo a camada que acompanha o produto (SCL, MSK_CLASSI, QA_PIXEL ou Fmask). Ela não vê nuvens finas e às vezes toma telhados claros ou neve por nuvens: examine o resultado.&lt;/p&gt;&lt;h3&gt;Saída&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt;: um raster virtual (.vrt), mostrado em cores naturais; a máscara é gravada ao lado. Bandas térmicas, pancromáticas e de qualidade ficam de fora.&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Product (any of its files, or its archive)</source>
        <translation>Produto (qualquer um dos seus arquivos, ou o seu pacote compactado)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Satellite products (MTD_*.xml *_MTL.* *.zip *.tar *.jp2 *.tif *.TIF);;All files (*)</source>
        <translation>Produtos de satélite (MTD_*.xml *_MTL.* *.zip *.tar *.jp2 *.tif *.TIF);;Todos os arquivos (*)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Pixel size in metres (0 = the finest)</source>
        <translation>Tamanho do pixel em metros (0 = o mais fino)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Sentinel-2 has bands of 10, 20 and 60 m; Landsat and HLS have 30 m.</source>
        <translation>O Sentinel-2 tem bandas de 10, 20 e 60 m; Landsat e HLS, de 30 m.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Mask clouds and their shadows</source>
        <translation>Mascarar as nuvens e as suas sombras</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Masked (percent; -1 without a mask)</source>
        <translation>Mascarado (por cento; -1 sem máscara)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Product</source>
        <translation>Produto</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/open_product.py"/>
        <source>Date</source>
        <translation>Data</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Leave empty to match bands by name, description or wavelength. Otherwise choose one raster band for each band of the model, in the model&#x27;s order.</source>
        <translation>Deixe vazio para associar as bandas pelo nome, pela descrição ou pelo comprimento de onda. Senão, escolha uma banda do raster para cada banda do modelo, na ordem do modelo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>The name of an installed model, or the path of a model file (.onnx).</source>
        <translation>O nome de um modelo instalado ou o caminho de um arquivo de modelo (.onnx).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>The name of an installed model, or the path of a model file (.onnx or .safetensors).</source>
        <translation>O nome de um modelo instalado ou o caminho de um arquivo de modelo (.onnx ou .safetensors).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Limit to this extent</source>
        <translation>Limitar a esta extensão</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Only this rectangle is processed. Leave empty for the whole raster.</source>
        <translation>Só este retângulo é calculado. Vazio significa o raster inteiro.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Processing device</source>
        <translation>Calcular em</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>auto uses the GPU if it passed its test, otherwise the processor. The log shows which one was used.</source>
        <translation>auto usa a GPU se ela passou no teste, senão o processador. O log diz o que foi usado.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Overlap between windows (percent)</source>
        <translation>Sobreposição das janelas (por cento)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>A larger overlap gives smoother transitions between windows, but takes longer.</source>
        <translation>Mais sobreposição dá bordas mais suaves entre janelas e leva mais tempo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Processor threads (0 = all)</source>
        <translation>Threads do processador (0 = todas)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>First show a quick look at the current map view</source>
        <translation>Mostrar primeiro uma pré-visualização rápida do que o mapa mostra</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>A coarse map of the current view appears after a few seconds, while the full result is being computed. It is removed when the run ends.</source>
        <translation>Um mapa aproximado da vista aparece em alguns segundos, enquanto o completo é calculado. É removido quando a execução termina.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>Write Cloud Optimized GeoTIFFs</source>
        <translation>Gravar Cloud Optimized GeoTIFFs</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/parameters.py"/>
        <source>CSV table (*.csv)</source>
        <translation>Tabela CSV (*.csv)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Pretrain backbone</source>
        <translation>Pré-treinar backbone</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Trains a backbone of your own from imagery alone, without labels.</source>
        <translation>Cria um backbone próprio só com imagens, sem nenhum rótulo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>pretraining,backbone,foundation model,self-supervised,masked autoencoder,MAE,unlabelled,imagery,deep learning,AI,SpectralGPT</source>
        <translation>pré-treinamento,pré-treino,backbone,modelo fundacional,autossupervisionado,autocodificador mascarado,sem rótulos,imagens,aprendizado profundo,IA,pretraining,foundation model,self-supervised,masked autoencoder,MAE,unlabelled,imagery,deep learning,AI,SpectralGPT</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>&lt;p&gt;Trains a model from imagery alone: most of each image is masked, and the model learns to reconstruct it. The result is a backbone, from which &#x27;Train model from labels&#x27; creates models for your classes. You do not need this for ordinary work, as the plugin includes a backbone. It is worthwhile if you have a lot of imagery of a kind that the included backbone was not trained on, and a GPU or plenty of time.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Rasters&lt;/b&gt; and &lt;b&gt;folder&lt;/b&gt;: imagery of many places and dates, with few clouds. No labels are needed. Sizes, regions and pixel sizes may differ; no-data pixels are never used.&lt;br&gt;&lt;b&gt;Start from&lt;/b&gt;: a backbone to continue training, which is quickest, or a network size to start from random weights: tiny and small for a processor, base and larger for GPUs.&lt;br&gt;&lt;b&gt;Stages&lt;/b&gt;: small windows first, larger ones later. Each stage is WINDOW:EPOCHS, optionally followed by :LEARNING RATE, :MASKED SHARE and :PATTERN of the raster names. Separate stages by ;, for example 64:20:1e-3; 128:10:5e-4. If left empty, the stages depend on the amount of imagery.&lt;br&gt;&lt;b&gt;Masked share&lt;/b&gt;: how much of each image is masked; SpectralGPT was trained with 0.9.&lt;br&gt;&lt;b&gt;Folder to resume from&lt;/b&gt;: progress is saved there. After an interruption, run the tool again with the same values to continue.&lt;/p&gt;&lt;h3&gt;Outputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Backbone&lt;/b&gt;: in the suggested folder it is installed immediately.&lt;br&gt;&lt;b&gt;Report&lt;/b&gt;: the loss curves, the data and the settings.&lt;br&gt;&lt;b&gt;Reconstruction&lt;/b&gt;: a raster with a masked image, its reconstruction by the model, and the error. A good backbone reconstructs fields, roads and shorelines in the right places.&lt;/p&gt;&lt;p&gt;Needs the engine&#x27;s training libraries (SpectralGPT &gt; Engine).&lt;/p&gt;</source>
        <translation>&lt;p&gt;Faz um modelo aprender só com imagens: a maior parte de cada imagem é ocultada, e o modelo aprende a completá-la. O resultado é um backbone, a partir do qual &#x27;Treinar modelo com rótulos&#x27; cria modelos para as suas classes. Você não precisa disto no trabalho comum: um backbone é instalado com o complemento. Vale a pena quando você tem muitas imagens de um tipo que o backbone incluído não viu, e uma GPU ou paciência.&lt;/p&gt;&lt;h3&gt;Entradas&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Rasters&lt;/b&gt; e &lt;b&gt;pasta&lt;/b&gt;: imagens de muitos locais e datas, com poucas nuvens. Nada precisa ser desenhado. Tamanhos, regiões e tamanhos de pixel podem variar; nunca se aprende com pixels sem dados.&lt;br&gt;&lt;b&gt;Começar de&lt;/b&gt;: um backbone a continuar, o que é mais rápido, ou um tamanho para começar do zero: tiny e small para um processador, base e maiores para GPUs.&lt;br&gt;&lt;b&gt;Etapas&lt;/b&gt;: primeiro janelas pequenas, depois maiores. Cada etapa é JANELA:RODADAS e, se quiser, :TAXA DE APRENDIZADO, :PARTE OCULTA e :PADRÃO dos nomes dos rasters, com ; entre as etapas, por exemplo 64:20:1e-3; 128:10:5e-4. Vazio escolhe conforme a quantidade de imagens.&lt;br&gt;&lt;b&gt;Parte oculta&lt;/b&gt;: quanto de cada imagem é ocultado; o SpectralGPT foi feito com 0.9.&lt;br&gt;&lt;b&gt;Pasta para retomar&lt;/b&gt;: o progresso é guardado ali. Execute a ferramenta de novo com os mesmos valores após uma interrupção, e ela continua de onde estava.&lt;/p&gt;&lt;h3&gt;Saídas&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Backbone&lt;/b&gt;: na pasta sugerida, fica instalado de imediato.&lt;br&gt;&lt;b&gt;Relatório&lt;/b&gt;: as curvas da perda, os dados e as configurações.&lt;br&gt;&lt;b&gt;Reconstrução&lt;/b&gt;: um raster com uma imagem mascarada, o que o modelo fez dela e o erro. Um bom backbone desenha campos, estradas e margens onde eles estão.&lt;/p&gt;&lt;p&gt;Exige as bibliotecas de treinamento do motor (SpectralGPT &gt; Motor).&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Final loss</source>
        <translation>Perda no final</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Folder of rasters</source>
        <translation>Pasta de rasters</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>All rasters in this folder are used, in addition to those chosen above.</source>
        <translation>Todos os rasters da pasta são usados, além dos escolhidos acima.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Start from a backbone, or a network size</source>
        <translation>Começar de: um backbone ou um tamanho</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Stages (empty = automatic)</source>
        <translation>Etapas (vazio = automático)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>WINDOW:EPOCHS[:LEARNING RATE[:MASKED SHARE[:PATTERN]]], separated by ;</source>
        <translation>JANELA:RODADAS[:TAXA DE APRENDIZADO[:PARTE OCULTA[:PADRÃO]]], separadas por ;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Masked share of each image (0.1 to 0.99)</source>
        <translation>Parte oculta de cada imagem (0.1 a 0.99)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Epochs of every stage (0 = as specified in the stages)</source>
        <translation>Rodadas de cada etapa (0 = como dizem as etapas)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Batch size (0 = depending on memory)</source>
        <translation>Imagens por vez (0 = conforme a memória)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Steps per epoch (0 = depending on the amount of imagery)</source>
        <translation>Passos de uma rodada (0 = conforme a quantidade de imagens)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Loss function</source>
        <translation>Pelo que o modelo é avaliado</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>token was used for the published weights; the others also take the shape of the spectrum into account.</source>
        <translation>token é o que foi usado nos pesos publicados; os outros acrescentam a forma do espectro.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Position embedding when the window size changes</source>
        <translation>Posições de um tamanho de janela para o seguinte</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>interpolate keeps what was learned; drop starts again, as in the published method.</source>
        <translation>interpolate (interpolar) mantém o que foi aprendido; drop (descartar) recomeça as posições, como na publicação.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Folder to resume from</source>
        <translation>Pasta para retomar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Progress is saved there, and an interrupted run continues from it.</source>
        <translation>O progresso é guardado ali; uma execução interrompida continua a partir dele.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Backbone</source>
        <translation>Backbone</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Models to train from (*.safetensors)</source>
        <translation>Modelos para treinar (*.safetensors)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>Reconstruction</source>
        <translation>Reconstrução</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>There is no folder &#x27;{}&#x27; with rasters. Choose another folder.</source>
        <translation>Não existe a pasta &#x27;{}&#x27; com rasters. Escolha outra.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>No training data was specified. Choose rasters, or a folder of rasters.</source>
        <translation>Não há nada com que aprender. Escolha rasters ou uma pasta de rasters.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>The stage &#x27;{stage}&#x27; is not valid. Write each stage as WINDOW:EPOCHS[:LEARNING RATE[:MASKED SHARE[:PATTERN]]], such as 64:20:1e-3, separated by ;.</source>
        <translation>A etapa &#x27;{stage}&#x27; não foi entendida. Escreva cada uma como JANELA:RODADAS[:TAXA DE APRENDIZADO[:PARTE OCULTA[:PADRÃO]]], como 64:20:1e-3, com ; entre elas.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/pretrain.py"/>
        <source>&#x27;Train model from labels&#x27;</source>
        <translation>&#x27;Treinar modelo com rótulos&#x27;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>Windows computed</source>
        <translation>Janelas calculadas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>Windows skipped</source>
        <translation>Janelas ignoradas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>Classes found</source>
        <translation>Classes encontradas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>Device used</source>
        <translation>Calculado em</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>Choose a model: the name of an installed model, or a model file (.onnx).</source>
        <translation>Escolha um modelo: o nome de um instalado ou um arquivo de modelo (.onnx).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>&#x27;{}&#x27; is a model for training. Choose its .onnx file, which makes predictions.</source>
        <translation>&#x27;{}&#x27; é um modelo para treinar. Escolha o arquivo .onnx dele, que faz predições.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>&#x27;{}&#x27; is not a model file: its name must end in .onnx. Import other formats with &#x27;Import model&#x27;.</source>
        <translation>&#x27;{}&#x27; não é um arquivo de modelo: esperava-se um que termine em .onnx. Importe antes outros formatos com &#x27;Importar modelo&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>There is no model file &#x27;{name}&#x27;. Choose another file, or an installed model: {fitting}.</source>
        <translation>Não existe o arquivo de modelo &#x27;{name}&#x27;. Escolha outro ou um modelo instalado: {fitting}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>The model &#x27;{name}&#x27; is for {task}. Choose a model for this tool: {fitting}.</source>
        <translation>O modelo &#x27;{name}&#x27; é para {task}. Escolha um que sirva para esta ferramenta: {fitting}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>There is no installed model &#x27;{name}&#x27;. Choose one of these: {fitting}; or specify the path of a model file.</source>
        <translation>Não há nenhum modelo instalado &#x27;{name}&#x27;. Escolha um destes: {fitting}; ou dê o caminho de um arquivo de modelo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>No quick look: there is no map view to show it in.</source>
        <translation>Sem pré-visualização rápida: não há mapa onde a mostrar.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>The extent is empty: its width or height is 0. Draw it again, or leave it empty to use the whole raster.</source>
        <translation>A extensão está vazia: a largura ou a altura é 0. Desenhe-a de novo ou deixe vazio para usar o raster inteiro.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>land-cover maps</source>
        <translation>mapas de cobertura do solo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>scene classification</source>
        <translation>rotulagem de cenas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>change detection</source>
        <translation>mudanças entre duas datas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_algorithm.py"/>
        <source>fine-tuning</source>
        <translation>ajuste fino</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{}&#x27; cannot be opened. Check its source, or remove it and add it again.</source>
        <translation>A camada &#x27;{}&#x27; não pode ser aberta. Verifique a fonte dela, ou remova-a e adicione-a de novo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The extent does not intersect the layer &#x27;{}&#x27;. Draw an extent over the layer, or leave it empty.</source>
        <translation>A extensão não toca a camada &#x27;{}&#x27;. Desenhe uma extensão sobre a camada ou deixe vazio.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{}&#x27; is a web service without a fixed size. If the tool has an extent parameter, set it to the area that you need. Otherwise save that area as a GeoTIFF (right-click, Export, Save As) and use the file.</source>
        <translation>A camada &#x27;{}&#x27; é um serviço sem tamanho próprio. Defina como extensão a área desejada, onde a ferramenta tiver uma, ou salve essa área como GeoTIFF (botão direito, Exportar, Salvar como) e use o arquivo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{name}&#x27; is a service without a size of its own: it is read at {metres:g} m on the ground, there {across:.6g} x {down:.6g} units of {crs}.</source>
        <translation>A camada &#x27;{name}&#x27; é um serviço sem tamanho próprio: é lida a {metres:g} m no terreno, ali {across:.6g} x {down:.6g} unidades de {crs}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{name}&#x27; is not a file, so it has to be copied first: {columns} x {rows} pixels in {count} bands, {size:.1f} GB. At most {limit:.1f} GB can be copied. Set a smaller extent, or save the layer as a GeoTIFF (right-click, Export, Save As) and use the file.</source>
        <translation>A camada &#x27;{name}&#x27; não é um arquivo; por isso precisa antes ser copiada: {columns} x {rows} pixels em {count} bandas, {size:.1f} GB; podem ser copiados no máximo {limit:.1f} GB. Defina uma extensão menor, ou salve a camada como GeoTIFF (botão direito, Exportar, Salvar como) e use-o.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{}&#x27; cannot be read pixel by pixel. Save it as a GeoTIFF and use the file.</source>
        <translation>A camada &#x27;{}&#x27; não pode ser lida pixel a pixel. Salve-a como GeoTIFF e use-o.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{name}&#x27; could not be copied to {path} (error {code}). Check that the service responds and that the disk has enough free space, or save the layer as a GeoTIFF and use the file.</source>
        <translation>A camada &#x27;{name}&#x27; não pôde ser copiada para {path} (erro {code}). Verifique se o serviço responde e se há espaço no disco, ou salve a camada como GeoTIFF e use-o.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/raster_input.py"/>
        <source>The layer &#x27;{name}&#x27; has the CRS {given}, but its file specifies {own}. The CRS of the file is used.</source>
        <translation>A camada &#x27;{name}&#x27; é mostrada como {given}, mas o arquivo dela diz {own}: vale o arquivo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Draw sample of a map</source>
        <translation>Sortear amostra de um mapa</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Draws random points from each class of a map, as reference data for accuracy assessment.</source>
        <translation>Sorteia pontos aleatórios de cada classe de um mapa, para observar e avaliar por eles.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>accuracy assessment,validation,stratified random sample,reference points,ground truth,Olofsson,good practice,response design</source>
        <translation>avaliação da exatidão,acurácia,validação,amostra aleatória estratificada,pontos de referência,verdade de campo,boas práticas,accuracy assessment,validation,stratified random sample,reference points,ground truth,Olofsson,good practice,response design</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>&lt;p&gt;Draws random points of every class of a map. You look at each place in good imagery and record the true class. &#x27;Evaluate map&#x27; then estimates the accuracy of the map and the true area of each class, with confidence intervals (Olofsson et al. 2014).&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Class map&lt;/b&gt;: from &#x27;Land-cover map&#x27;, &#x27;Detect change&#x27; or elsewhere; whole numbers in the first band.&lt;br&gt;&lt;b&gt;Number of points&lt;/b&gt;: 0 uses as many as are needed for the standard error.&lt;br&gt;&lt;b&gt;Standard error&lt;/b&gt; of the overall accuracy: 0.01 is one percent.&lt;br&gt;&lt;b&gt;Expected accuracy&lt;/b&gt;: your estimate of the share of each class that is correct.&lt;br&gt;&lt;b&gt;Allocation&lt;/b&gt;: &lt;i&gt;proportional&lt;/i&gt; gives large classes more points, which is best for areas; &lt;i&gt;equal&lt;/i&gt; gives all classes the same number, which is best for rare classes.&lt;br&gt;&lt;b&gt;Minimum number of points per class&lt;/b&gt;: with 50 or more, the figures of rare classes are usable.&lt;/p&gt;&lt;h3&gt;Output&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Sample points&lt;/b&gt;: go through them one by one, look at the imagery, and set the field &lt;i&gt;reference&lt;/i&gt; to the class that you see; the form lists the classes of the map. Look at the imagery, not at the map. Points that are not labelled yet are orange. You can stop early: the first points are also a random sample. Do not skip points because they are difficult.&lt;/p&gt;&lt;p&gt;Then run &#x27;Evaluate map&#x27; with the map, these points and the field reference.&lt;/p&gt;</source>
        <translation>&lt;p&gt;Sorteia pontos aleatórios de cada classe de um mapa. Você olha cada local em boas imagens, anota o que realmente existe ali, e &#x27;Avaliar mapa&#x27; diz quão bom é o mapa e qual é o tamanho real de cada classe, com intervalos (segundo Olofsson e outros, 2014).&lt;/p&gt;&lt;h3&gt;Entradas&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Mapa de classes&lt;/b&gt;: de &#x27;Mapa de cobertura do solo&#x27;, de &#x27;Detectar mudanças&#x27; ou de outra origem; números inteiros na primeira banda.&lt;br&gt;&lt;b&gt;Número de pontos&lt;/b&gt;: 0 usa tantos quantos o erro padrão desejado exigir.&lt;br&gt;&lt;b&gt;Erro padrão&lt;/b&gt;: de quanto a exatidão global pode tipicamente desviar; 0.01 é um por cento.&lt;br&gt;&lt;b&gt;Exatidão esperada&lt;/b&gt;: a sua estimativa de quanto de cada classe está certo.&lt;br&gt;&lt;b&gt;Alocação&lt;/b&gt;: &lt;i&gt;proportional&lt;/i&gt; (proporcional) dá mais pontos às classes grandes, o que é melhor para áreas; &lt;i&gt;equal&lt;/i&gt; (igual) dá o mesmo a todas, o que é melhor para avaliar classes raras.&lt;br&gt;&lt;b&gt;Mínimo de pontos por classe&lt;/b&gt;: 50 ou mais tornam úteis os números das classes raras.&lt;/p&gt;&lt;h3&gt;Saída&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Pontos da amostra&lt;/b&gt;: percorra-os um a um, olhe cada um nas imagens e escolha no campo &lt;i&gt;reference&lt;/i&gt; a classe que você vê; o formulário lista as classes do mapa. Olhe as imagens, não o mapa. Os pontos ainda por fazer são laranja. Você pode parar antes do fim: os primeiros pontos também são uma amostra aleatória. Não pule nenhum por ser difícil.&lt;/p&gt;&lt;p&gt;Depois execute &#x27;Avaliar mapa&#x27; com o mapa, estes pontos e o campo reference.&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Class map</source>
        <translation>Mapa de classes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Number of points (0 = from the standard error)</source>
        <translation>Número de pontos (0 = conforme o erro padrão)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Standard error of the overall accuracy</source>
        <translation>Erro padrão da exatidão global</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>0.01 is one percent. Halving it needs four times as many points.</source>
        <translation>0.01 é um por cento. A metade disso exige quatro vezes mais pontos.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Expected accuracy of every class (0 to 1)</source>
        <translation>Exatidão esperada de cada classe (0 a 1)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Allocation of the points to the classes</source>
        <translation>Como os pontos são distribuídos entre as classes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>proportional: by the area of each class. equal: the same for all.</source>
        <translation>proportional (proporcional): pela área de cada classe. equal (igual): o mesmo para todas.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Minimum number of points per class</source>
        <translation>Mínimo de pontos por classe</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Sample points</source>
        <translation>Pontos da amostra</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>Points</source>
        <translation>Pontos</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/sample.py"/>
        <source>&#x27;{name}&#x27; is an image with {bands} bands, not a class map. Choose a class map, such as one made with &#x27;Land-cover map&#x27;.</source>
        <translation>&#x27;{name}&#x27; é uma imagem com {bands} bandas, não um mapa de classes. Escolha um mapa de classes, por exemplo um feito com &#x27;Mapa de cobertura do solo&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Land-cover map</source>
        <translation>Mapa de cobertura do solo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Assigns a land-cover class to every pixel of a multispectral raster.</source>
        <translation>Dá a cada pixel de um raster multiespectral uma classe de cobertura do solo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>land cover,land use,segmentation,classification,pixel,deep learning,AI,foundation model,Sentinel-2,Landsat,water,forest,crops</source>
        <translation>cobertura do solo,cobertura da terra,uso do solo,uso da terra,segmentação,classificação,pixel,aprendizado profundo,IA,modelo fundacional,água,floresta,culturas,land cover,land use,segmentation,classification,deep learning,AI,foundation model,Sentinel-2,Landsat</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>&lt;p&gt;Assigns a class to every pixel of a multispectral raster, such as water, trees or built-up land.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt;: a multispectral image such as Sentinel-2 or Landsat, with all bands in one layer. Both digital numbers and reflectance can be used; the log shows how the values were scaled.&lt;br&gt;&lt;b&gt;Bands&lt;/b&gt;: leave empty to match bands by their names or wavelengths. If your raster has neither, choose one band for each band of the model, in the model&#x27;s order (see the tooltip of the model).&lt;br&gt;&lt;b&gt;Extent&lt;/b&gt; and &lt;b&gt;mask&lt;/b&gt; limit the area to process, so a small area is quick even in a large scene.&lt;br&gt;&lt;b&gt;Minimum area&lt;/b&gt; merges smaller patches into their neighbours.&lt;/p&gt;&lt;h3&gt;Outputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Class map&lt;/b&gt;: a GeoTIFF on the grid of the raster, with the model&#x27;s class names and colours. No-data pixels remain no-data.&lt;br&gt;&lt;b&gt;Confidence&lt;/b&gt;: the probability of the chosen class in percent. Values near 100 are the most certain. Below about 60, the second-best class was close, often at class boundaries or in places unlike the training data: check the image there.&lt;br&gt;&lt;b&gt;Polygons&lt;/b&gt; with class and mean confidence, and a table of the &lt;b&gt;area&lt;/b&gt; of each class, measured on the ellipsoid.&lt;/p&gt;</source>
        <translation>&lt;p&gt;Dá a cada pixel de um raster multiespectral uma classe, como água, árvores ou área construída.&lt;/p&gt;&lt;h3&gt;Entradas&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt;: uma imagem multiespectral como Sentinel-2 ou Landsat, com todas as bandas em uma só camada. Números digitais e reflectância funcionam; o log diz que escala foi aplicada aos valores.&lt;br&gt;&lt;b&gt;Bandas&lt;/b&gt;: deixe vazio, e as bandas são associadas pelo nome ou pelo comprimento de onda. Se o seu raster não informa nenhum dos dois, escolha uma banda para cada banda do modelo, na ordem do modelo (veja a dica do modelo).&lt;br&gt;&lt;b&gt;Extensão&lt;/b&gt; e &lt;b&gt;máscara&lt;/b&gt; limitam o que é calculado; assim, uma área pequena é rápida mesmo em uma cena grande.&lt;br&gt;&lt;b&gt;Área mínima&lt;/b&gt; une manchas menores às vizinhas.&lt;/p&gt;&lt;h3&gt;Saídas&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Mapa de classes&lt;/b&gt;: um GeoTIFF na grade do raster, com os nomes e as cores das classes do modelo. Pixels sem dados continuam sem dados.&lt;br&gt;&lt;b&gt;Confiança&lt;/b&gt;: a probabilidade da classe escolhida, em porcentagem. Valores próximos de 100 são seguros. Olhe você mesmo a imagem onde ela fica abaixo de cerca de 60: ali a segunda melhor classe estava próxima, muitas vezes em bordas ou em locais diferentes daqueles com que o modelo aprendeu.&lt;br&gt;&lt;b&gt;Polígonos&lt;/b&gt; com classe e confiança média, e uma tabela com a &lt;b&gt;área&lt;/b&gt; de cada classe, medida no elipsoide.&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Minimum area of a patch (m²)</source>
        <translation>Área mínima de uma mancha (m²)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Confidence (percent)</source>
        <translation>Confiança (por cento)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Class polygons</source>
        <translation>Polígonos de classes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Area of each class</source>
        <translation>Área de cada classe</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/segment.py"/>
        <source>Mapped area (m²)</source>
        <translation>Área mapeada (m²)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>&#x27;{value}&#x27; ({parameter}) is not a list of band numbers. Enter whole numbers starting from 1, such as 2,3,4,8, or leave it empty to match bands automatically.</source>
        <translation>&#x27;{value}&#x27; ({parameter}) não é uma lista de números de bandas. Dê números inteiros a partir de 1, como 2,3,4,8, ou deixe vazio para que as bandas sejam associadas automaticamente.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>Choose a model to start from: the name of an installed model, or a model file.</source>
        <translation>Escolha um modelo de partida: o nome de um instalado ou o arquivo dele.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>There is no model file &#x27;{name}&#x27;. Choose another file, or one of these: {fitting}.</source>
        <translation>Não existe o arquivo de modelo &#x27;{name}&#x27;. Escolha outro ou um destes: {fitting}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>&#x27;{name}&#x27; cannot be used for training, which needs a file that ends in .safetensors. Choose one of these: {fitting}; or import a published checkpoint with &#x27;Import model&#x27;.</source>
        <translation>Não é possível treinar a partir de &#x27;{name}&#x27;: para isso é preciso um arquivo que termine em .safetensors. Escolha um destes: {fitting}; ou importe um checkpoint publicado com &#x27;Importar modelo&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>There is no installed model &#x27;{name}&#x27; to start from. Choose one of these: {fitting}; or specify the path of a .safetensors file.</source>
        <translation>Não há nenhum modelo instalado &#x27;{name}&#x27; do qual partir. Escolha um destes: {fitting}; ou dê o caminho de um arquivo .safetensors.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>The model &#x27;{name}&#x27; is now installed. Choose it by this name in {tools}.</source>
        <translation>O modelo &#x27;{name}&#x27; está instalado: escolha-o por este nome em {tools}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_algorithm.py"/>
        <source>Choose the file {path} as the model in {tools}.</source>
        <translation>Dê o arquivo {path} como modelo em {tools}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Field with the class (not for rasters)</source>
        <translation>Campo com a classe (não para um raster)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Text or whole numbers: one value for each class.</source>
        <translation>Texto ou números inteiros: um valor para cada classe.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Selected features only</source>
        <translation>Apenas feições selecionadas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Only the selected features of the layer are used.</source>
        <translation>Usa o que está selecionado na camada; o resto é deixado de fora.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Leave empty to match bands by name, description or wavelength. Otherwise enter the number of one raster band for each band of the model, in the model&#x27;s order, such as 2,3,4,8.</source>
        <translation>Deixe vazio para associar as bandas pelo nome, pela descrição ou pelo comprimento de onda. Senão, dê o número de uma banda do raster para cada banda do modelo, na ordem do modelo, como 2,3,4,8.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>The name of an installed model to train from, or the path of a model file (.safetensors).</source>
        <translation>O nome de um modelo instalado para treinar a partir dele, ou o caminho do arquivo dele (.safetensors).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Random seed</source>
        <translation>Semente dos números aleatórios</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>On the processor, the same seed always gives the same result. Try other seeds to see how much results vary.</source>
        <translation>A mesma semente dá de novo o mesmo resultado, no processador. Tente outras para ver quanto varia.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Report</source>
        <translation>Relatório</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/training_parameters.py"/>
        <source>Web page (*.html)</source>
        <translation>Página web (*.html)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Find places to label next</source>
        <translation>Encontrar os próximos locais a rotular</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Finds the places in a raster where a model is least certain, in order.</source>
        <translation>Encontra, em ordem, os locais de um raster onde um modelo está menos seguro.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>active learning,uncertainty,margin sampling,breaking ties,training data,labels,samples,annotation,deep learning,AI,foundation model</source>
        <translation>aprendizado ativo,aprendizagem ativa,incerteza,dados de treinamento,rótulos,amostras,anotação,aprendizado profundo,IA,modelo fundacional,active learning,uncertainty,margin sampling,breaking ties,training data,labels,samples,annotation,deep learning,AI,foundation model</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>&lt;p&gt;Finds the places where new labels help a model most: those where its two most probable classes are nearly equal. A few such places improve a model more than many that it already classifies well.&lt;/p&gt;&lt;h3&gt;Inputs&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt; and &lt;b&gt;model&lt;/b&gt;: the image to map, and the model that you want to improve.&lt;br&gt;&lt;b&gt;Bands&lt;/b&gt;: leave empty to match them by name or wavelength.&lt;br&gt;&lt;b&gt;Number of places&lt;/b&gt;: how many places you want to label.&lt;br&gt;&lt;b&gt;Size of a place&lt;/b&gt;: 0 means 10 pixels of the raster.&lt;br&gt;&lt;b&gt;Existing labels&lt;/b&gt;: places that are already labelled are left out, including unsaved edits.&lt;br&gt;&lt;b&gt;Extent&lt;/b&gt; and &lt;b&gt;mask&lt;/b&gt; limit the search, so a small area is quick even in a large scene.&lt;/p&gt;&lt;h3&gt;Output&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Places to label&lt;/b&gt;: squares with their rank (1 is the least certain), the uncertainty (0 to 1), and the two most probable classes with their probabilities. Places keep a distance from each other, and if possible no more than half of them are about the same two classes.&lt;/p&gt;&lt;p&gt;Go through them by rank, look at the imagery, and draw polygons of what you see in your label layer. Then train again from the current model, and find the next places.&lt;/p&gt;</source>
        <translation>&lt;p&gt;Encontra os locais onde um rótulo mais ensina a um modelo: aqueles em que as duas classes mais prováveis são quase iguais. Poucos locais assim melhoram um modelo mais do que muitos que ele já conhece.&lt;/p&gt;&lt;h3&gt;Entradas&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Raster&lt;/b&gt; e &lt;b&gt;modelo&lt;/b&gt;: o que você mapeia e o modelo que quer melhorar.&lt;br&gt;&lt;b&gt;Bandas&lt;/b&gt;: deixe vazio para que sejam associadas pelo nome ou pelo comprimento de onda.&lt;br&gt;&lt;b&gt;Número de locais&lt;/b&gt;: quantos você está disposto a olhar.&lt;br&gt;&lt;b&gt;Lado de um local&lt;/b&gt;: 0 usa 10 pixels do raster.&lt;br&gt;&lt;b&gt;Rótulos existentes&lt;/b&gt;: locais sobre eles ficam de fora, também as edições não salvas.&lt;br&gt;&lt;b&gt;Extensão&lt;/b&gt; e &lt;b&gt;máscara&lt;/b&gt; limitam a busca; assim, uma área pequena é rápida mesmo em uma cena grande.&lt;/p&gt;&lt;h3&gt;Saída&lt;/h3&gt;&lt;p&gt;&lt;b&gt;Locais a rotular&lt;/b&gt;: quadrados com a posição na lista (1 é o menos seguro), a incerteza (0 é seguro, 1 é indeciso) e as duas classes entre as quais o modelo hesita, com as probabilidades. Os locais mantêm distância entre si, e no máximo a metade deles trata das mesmas duas classes, se houver outras.&lt;/p&gt;&lt;p&gt;Percorra-os pela ordem, olhe cada um nas imagens e desenhe polígonos do que você vê na sua camada de rótulos. Depois treine de novo a partir do modelo atual e encontre os próximos locais.&lt;/p&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Number of places</source>
        <translation>Número de locais</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Size of a place (0 = 10 pixels)</source>
        <translation>Lado de um local (0 = 10 pixels)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Existing labels (left out)</source>
        <translation>Rótulos existentes (deixados de fora)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Places to label</source>
        <translation>Locais a rotular</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/uncertain_places.py"/>
        <source>Places</source>
        <translation>Locais</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/vector_input.py"/>
        <source>The layer &#x27;{}&#x27; has no features to use. Draw some, check its filter, or untick &#x27;Selected features only&#x27;.</source>
        <translation>A camada &#x27;{}&#x27; não tem feições a usar. Desenhe algumas, verifique o filtro dela ou desmarque &#x27;Apenas feições selecionadas&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/vector_input.py"/>
        <source>The features of &#x27;{name}&#x27; could not be copied to {path}: {reason}</source>
        <translation>As feições de &#x27;{name}&#x27; não puderam ser copiadas para {path}: {reason}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/virtual_output.py"/>
        <source>Virtual rasters (*.vrt)</source>
        <translation>Rasters virtuais (*.vrt)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/algorithms/virtual_output.py"/>
        <source>&#x27;{}&#x27; must be a virtual raster: give a name that ends in .vrt.</source>
        <translation>&#x27;{}&#x27; deve ser um raster virtual: indique um nome que termine em .vrt.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>{name} ({word})</source>
        <translation>{name} ({word})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>auto</source>
        <translation>automático</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>cpu</source>
        <translation>processador</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>segmentation</source>
        <translation>segmentação</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>scenes</source>
        <translation>cenas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>change</source>
        <translation>mudanças</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>change-detection</source>
        <translation>detecção de mudanças</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>backbone</source>
        <translation>backbone</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>the backbone is not changed</source>
        <translation>a base fica como está</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>a small part of the model is trained</source>
        <translation>uma pequena parte da base aprende</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>the whole model is trained</source>
        <translation>toda a base aprende</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>anywhere</source>
        <translation>em qualquer lugar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>here</source>
        <translation>só aqui</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>simple</source>
        <translation>simples</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>stratified</source>
        <translation>estratificado</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>proportional</source>
        <translation>proporcional</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>equal</source>
        <translation>igual</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>interpolate</source>
        <translation>interpolar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/choice_words.py"/>
        <source>drop</source>
        <translation>descartar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_access.py"/>
        <source>The folder for your models, {folder}, cannot be created: {reason}. Choose another folder for the engine with Raster &gt; SpectralGPT &gt; Engine.</source>
        <translation>A pasta dos seus modelos, {folder}, não pode ser criada: {reason}. Escolha outra pasta para o motor em Raster &gt; SpectralGPT &gt; Motor.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_access.py"/>
        <source>This tool needs the engine&#x27;s training libraries, which are not installed. Install them with Raster &gt; SpectralGPT &gt; Engine.</source>
        <translation>Esta ferramenta precisa das bibliotecas de treinamento do motor, que não estão instaladas. Instale-as em Raster &gt; SpectralGPT &gt; Motor.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_access.py"/>
        <source>SpectralGPT needs its engine, which is not installed yet. Install it with Raster &gt; SpectralGPT &gt; Engine.</source>
        <translation>O SpectralGPT precisa do seu motor, que ainda não está instalado. Instale-o em Raster &gt; SpectralGPT &gt; Motor.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_access.py"/>
        <source>The engine of SpectralGPT does not work: {reason} Open Raster &gt; SpectralGPT &gt; Engine.</source>
        <translation>O motor do SpectralGPT não funciona: {reason} Abra Raster &gt; SpectralGPT &gt; Motor.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/compare.py"/>
        <source>Left: with &#x27;{}&#x27;. Right: the map without it.
Drag the line, or move it with the arrow keys. Press Esc to exit.</source>
        <translation>À esquerda: com &#x27;{}&#x27;. À direita: o mapa sem ela.
Arraste a linha ou mova-a com as setas do teclado. Esc encerra.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/compare.py"/>
        <source>Compare with the map below</source>
        <translation>Comparar com o mapa abaixo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/compare.py"/>
        <source>Shows the layer only to the left of a line, which you can drag across the map (press Esc to exit)</source>
        <translation>Mostra a camada só à esquerda de uma linha, que você arrasta sobre o mapa (Esc encerra)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Band</source>
        <translation>Banda</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Name</source>
        <translation>Nome</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Recognised as</source>
        <translation>Reconhecida como</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Wavelength</source>
        <translation>Comprimento de onda</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>For</source>
        <translation>Para</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Verdict</source>
        <translation>Veredito</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Reason</source>
        <translation>Por quê</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Use…</source>
        <translation>Usar…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/tables.py"/>
        <source>Opens the tool with this layer and this model</source>
        <translation>Abre a ferramenta com esta camada e este modelo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Describe Layer for Models</source>
        <translation>Descrever camada para modelos</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>&amp;Layer</source>
        <translation>&amp;Camada</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Values</source>
        <translation>Valores</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>No data</source>
        <translation>Sem dados</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Pixel size</source>
        <translation>Tamanho do pixel</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>CRS</source>
        <translation>SRC</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Image date</source>
        <translation>Data da imagem</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Remarks</source>
        <translation>Observações</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>&amp;Bands</source>
        <translation>&amp;Bandas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>&amp;Models</source>
        <translation>&amp;Modelos</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>There is no raster layer in this project. Add one to see which models fit it.</source>
        <translation>Não há nenhuma camada raster neste projeto. Adicione uma para ver que modelos servem para ela.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Describe {}</source>
        <translation>Descrever {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Reading the bands and values of &#x27;{}&#x27;…</source>
        <translation>Examinando as bandas e os valores de &#x27;{}&#x27;…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>Stopped.</source>
        <translation>Interrompido.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>None declared: every pixel is used</source>
        <translation>Nenhum declarado: todos os pixels contam</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>The data source of the layer &#x27;{}&#x27; cannot be found. Repair it first (right-click, Change Data Source).</source>
        <translation>Os dados da camada &#x27;{}&#x27; não foram encontrados. Corrija antes a fonte dela (botão direito, Modificar a origem da fonte de dados).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/window.py"/>
        <source>The layer &#x27;{}&#x27; is not a file but a web service or an internal QGIS layer, so its bands and values cannot be described. Save the area you need as a GeoTIFF (right-click, Export, Save As) and describe that layer.</source>
        <translation>A camada &#x27;{}&#x27; não é um arquivo, mas um serviço, ou existe só dentro do QGIS: as bandas e os valores dela não podem ser descritos. Salve a área de que precisa como GeoTIFF (botão direito, Exportar, Salvar como) e descreva essa camada.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Fine-tuning</source>
        <translation>Ajuste fino</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Fits</source>
        <translation>Serve</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Doubtful</source>
        <translation>Duvidoso</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Does not fit</source>
        <translation>Não serve</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Missing: {}</source>
        <translation>Faltam: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Pixels of {pixel:.3g} m; the model was trained on {learned:.3g} m</source>
        <translation>Pixels de {pixel:.3g} m; o modelo aprendeu com {learned:.3g} m</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Works without {}</source>
        <translation>Funciona sem {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>All of its bands were found</source>
        <translation>Todas as bandas dele foram encontradas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>{model}: band {band}, by {how}</source>
        <translation>{model}: banda {band}, por {how}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>{model}: none, {how}</source>
        <translation>{model}: nenhuma, {how}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Coastal aerosol</source>
        <translation>Aerossol costeiro</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Blue</source>
        <translation>Azul</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Green</source>
        <translation>Verde</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Red</source>
        <translation>Vermelho</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Red edge 1</source>
        <translation>Borda do vermelho 1</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Red edge 2</source>
        <translation>Borda do vermelho 2</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Red edge 3</source>
        <translation>Borda do vermelho 3</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Near infrared</source>
        <translation>Infravermelho próximo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Near infrared, narrow</source>
        <translation>Infravermelho próximo, estreito</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Water vapour</source>
        <translation>Vapor d&#x27;água</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Cirrus</source>
        <translation>Cirrus</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Short-wave infrared 1</source>
        <translation>Infravermelho de ondas curtas 1</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Short-wave infrared 2</source>
        <translation>Infravermelho de ondas curtas 2</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>By its wavelength</source>
        <translation>Pelo comprimento de onda</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Not recognised</source>
        <translation>Não reconhecida</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>{} nm</source>
        <translation>{} nm</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>{width:.4g} × {height:.4g} m on the ground</source>
        <translation>{width:.4g} × {height:.4g} m no terreno</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>{width} × {height} {unit}</source>
        <translation>{width} × {height} {unit}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/describe/words.py"/>
        <source>Not known</source>
        <translation>Não conhecido</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>SpectralGPT Diagnostics Report</source>
        <translation>Relatório de diagnóstico do SpectralGPT</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>Attach this text to a question or an error report. Your home folder, your user name, the name of this computer and any passwords were removed, but please check the text before you send it.</source>
        <translation>Acrescente este texto a uma pergunta ou a um relato de erro. A sua pasta pessoal, o seu nome, o nome deste computador e senhas são retirados; mesmo assim, revise-o.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>Collecting information…</source>
        <translation>Coletando…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>&amp;Copy</source>
        <translation>&amp;Copiar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>&amp;Save…</source>
        <translation>&amp;Salvar…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>Save Report</source>
        <translation>Salvar relatório</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>Text files (*.txt)</source>
        <translation>Arquivos de texto (*.txt)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/diagnostics_window.py"/>
        <source>The report cannot be saved to {file}: {reason}. Choose another location.</source>
        <translation>O relatório não pode ser salvo como {file}: {reason}. Escolha outro lugar.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_dialog.py"/>
        <source>SpectralGPT Engine</source>
        <translation>Motor do SpectralGPT</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>The engine is damaged and must be repaired.</source>
        <translation>O motor está danificado e precisa ser reparado.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>Repair…</source>
        <translation>Reparar…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>The installation of the engine was not completed.</source>
        <translation>A instalação do motor não chegou ao fim.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>Install…</source>
        <translation>Instalar…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>The tools need the SpectralGPT engine, which is not installed yet.</source>
        <translation>As ferramentas precisam de um motor, que ainda não está instalado.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>Not now</source>
        <translation>Agora não</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/engine_notice.py"/>
        <source>The engine is ready.</source>
        <translation>O motor está pronto.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>Estimates the number of windows, the time, and the memory and disk space needed. Nothing is written.</source>
        <translation>Indica quantas janelas serão calculadas, quanto tempo leva e quanta memória e disco são necessários. Nada é gravado.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>First set &#x27;{}&#x27;: it is missing or not valid.</source>
        <translation>Defina primeiro &#x27;{}&#x27;: falta ou está incorreto.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>Stop estimating</source>
        <translation>Parar a estimativa</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>Estimate</source>
        <translation>Estimar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>Windows: {windows}; {memory} of memory, {disk} of disk space.</source>
        <translation>Janelas: {windows}; {memory} de memória, {disk} no disco.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>Windows: {windows}; {time}, {memory} of memory, {disk} of disk space.</source>
        <translation>Janelas: {windows}; {time}, {memory} de memória, {disk} no disco.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>about {seconds} s</source>
        <translation>cerca de {seconds} s</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>about {minutes} min</source>
        <translation>cerca de {minutes} min</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/estimate_button.py"/>
        <source>about {hours} h {minutes} min</source>
        <translation>cerca de {hours} h {minutes} min</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/help.py"/>
        <source>Help</source>
        <translation>Ajuda</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/help.py"/>
        <source>Opens the guide page for this window (F1)</source>
        <translation>Abre o guia na página sobre esta janela (F1)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>Classify land cover…</source>
        <translation>Classificar cobertura do solo…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>Label scenes…</source>
        <translation>Rotular cenas…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>Detect change with…</source>
        <translation>Detectar mudanças com…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>Fine-tune…</source>
        <translation>Ajuste fino…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>Describe for models…</source>
        <translation>Descrever para modelos…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/layer_actions.py"/>
        <source>The dates of these layers are not known. &#x27;{before}&#x27; was assumed to be the earlier one, because it is above the other in the layer tree. Swap the layers here if this is wrong.</source>
        <translation>As datas destas camadas não são conhecidas: &#x27;{before}&#x27; foi tomada como a mais antiga, por estar acima na árvore de camadas. Troque-as aqui se for o contrário.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/log_window.py"/>
        <source>Log of {}</source>
        <translation>Log de {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>Installed model, or path of a model file</source>
        <translation>Modelo instalado ou caminho de um arquivo de modelo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>Choose a model file</source>
        <translation>Escolher um arquivo de modelo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>Start from random weights: {}</source>
        <translation>Começar do zero: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>Models to train from ({})</source>
        <translation>Modelos para treinar ({})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/model_widget.py"/>
        <source>SpectralGPT models ({})</source>
        <translation>Modelos do SpectralGPT ({})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/combo.py"/>
        <source>{verdict}: {reason}</source>
        <translation>{verdict}: {reason}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/combo.py"/>
        <source>Bands, in this order: {}</source>
        <translation>Bandas, nesta ordem: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/combo.py"/>
        <source>Pixel size in training: {:g} m</source>
        <translation>Tamanho de pixel com que aprendeu: {:g} m</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/combo.py"/>
        <source>Classes: {}</source>
        <translation>Classes: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/combo.py"/>
        <source>Licence: {}</source>
        <translation>Licença: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>Move the model &#x27;{}&#x27; to the trash?</source>
        <translation>Mover o modelo &#x27;{}&#x27; para a lixeira?</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>&#x27;{}&#x27; was deleted.</source>
        <translation>&#x27;{}&#x27; foi excluído.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>&amp;Undo</source>
        <translation>&amp;Desfazer</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>The model could not be restored: {}</source>
        <translation>O modelo não pôde ser recuperado: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>&#x27;{}&#x27; cannot be moved to the trash. Delete it permanently?</source>
        <translation>&#x27;{}&#x27; não pode ser movido para a lixeira. Excluí-lo definitivamente?</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>The model could not be deleted: {}</source>
        <translation>O modelo não pôde ser excluído: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/deletion.py"/>
        <source>Delete Model</source>
        <translation>Excluir modelo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Bands, in the order of the model</source>
        <translation>Bandas, na ordem do modelo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Accuracy on data held out of training</source>
        <translation>Exatidão em dados reservados do treinamento</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>The card has no figures: judge its map with Evaluate map.</source>
        <translation>A ficha não tem números: avalie o mapa dele com Avaliar mapa.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Data and recipe</source>
        <translation>Dados e receita</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>{use}; can be trained further</source>
        <translation>{use}; pode ser treinado mais</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>{name} ({size})</source>
        <translation>{name} ({size})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Name to use in parameters</source>
        <translation>Nome em parâmetros</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Ground resolution</source>
        <translation>Resolução no terreno</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>{:g} m</source>
        <translation>{:g} m</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Window</source>
        <translation>Janela</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>{0} × {0} pixels</source>
        <translation>{0} × {0} pixels</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Origin</source>
        <translation>Origem</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Files</source>
        <translation>Arquivos</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Folder</source>
        <translation>Pasta</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Licence</source>
        <translation>Licença</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Not stated</source>
        <translation>Não informada</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Attribution</source>
        <translation>Atribuição</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>Included in the plugin</source>
        <translation>Acompanha o complemento</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>from {}</source>
        <translation>de {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>on {}</source>
        <translation>com {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>band {} of the layer</source>
        <translation>banda {} da camada</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/details.py"/>
        <source>left out</source>
        <translation>deixada de fora</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/entry.py"/>
        <source>Shared</source>
        <translation>Compartilhado</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/entry.py"/>
        <source>Included</source>
        <translation>Incluído</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/entry.py"/>
        <source>Imported</source>
        <translation>Importado</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/entry.py"/>
        <source>Trained here</source>
        <translation>Treinado aqui</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/entry.py"/>
        <source>Own</source>
        <translation>Próprio</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>IoU (intersection over union) is the overlap of map and reference: the area where both show a class, divided by the area where at least one of them does. 1 is best.</source>
        <translation>IoU (interseção sobre união) é a sobreposição do mapa e da realidade: de todo o terreno que é de uma classe ou está mapeado como tal, a parte em que ambos concordam. 1 é o melhor.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>95 % interval</source>
        <translation>Intervalo de 95 %</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Mean overlap (IoU)</source>
        <translation>Sobreposição média (IoU)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Mean F1</source>
        <translation>F1 médio</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Mean average precision</source>
        <translation>Precisão média (mAP)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Precision</source>
        <translation>Precisão</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Recall</source>
        <translation>Revoc.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Samples</source>
        <translation>Amostras</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Interpolation</source>
        <translation>Interpolação</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Mean</source>
        <translation>Média</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Base</source>
        <translation>Modelo de partida</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Labels</source>
        <translation>Rótulos</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Field</source>
        <translation>Campo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Labelled</source>
        <translation>Rotulados</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Area</source>
        <translation>Área</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Seed</source>
        <translation>Semente</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Scenes</source>
        <translation>Cenas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Epochs</source>
        <translation>Épocas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Stages</source>
        <translation>Etapas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Loss</source>
        <translation>Perda</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Last loss</source>
        <translation>Última perda</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Processes</source>
        <translation>Processos</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Images</source>
        <translation>Imagens</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Megapixels</source>
        <translation>Megapixels</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Data</source>
        <translation>Dados</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Seconds</source>
        <translation>Segundos</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Windows</source>
        <translation>Janelas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Batch</source>
        <translation>Tamanho do lote</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Steps</source>
        <translation>Passos</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Learning rate</source>
        <translation>Taxa de aprendizado</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Hidden</source>
        <translation>Oculto</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/figures.py"/>
        <source>Left out</source>
        <translation>Omitido</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/filters.py"/>
        <source>Search models</source>
        <translation>Pesquisar modelos</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/filters.py"/>
        <source>All models</source>
        <translation>Todos os modelos</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/filters.py"/>
        <source>For training</source>
        <translation>Para treinar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/filters.py"/>
        <source>Any layer</source>
        <translation>Qualquer camada</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/filters.py"/>
        <source>F&amp;or</source>
        <translation>P&amp;ara</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/filters.py"/>
        <source>La&amp;yer</source>
        <translation>&amp;Camada</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Rename Model</source>
        <translation>Renomear modelo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Used in parameters, scripts and file names</source>
        <translation>O que parâmetros e scripts recebem, e como os arquivos se chamam</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>&amp;Title</source>
        <translation>&amp;Título</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>File &amp;name</source>
        <translation>&amp;Nome do arquivo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Download Model</source>
        <translation>Baixar modelo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>From another address</source>
        <translation>De outro endereço</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Not known: the file cannot be compared with the published one</source>
        <translation>Não conhecido: o arquivo não é comparado com o publicado</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>&amp;Model</source>
        <translation>&amp;Modelo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>&amp;Address</source>
        <translation>&amp;Endereço</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>&amp;SHA-256</source>
        <translation>&amp;SHA-256</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Download</source>
        <translation>Baixar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>known only after the download starts</source>
        <translation>não conhecido antes de baixar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>{about}&lt;br&gt;Size: {size}&lt;br&gt;Licence: {licence}&lt;br&gt;&lt;a href=&quot;{page}&quot;&gt;{page}&lt;/a&gt;</source>
        <translation>{about}&lt;br&gt;Tamanho: {size}&lt;br&gt;Licença: {licence}&lt;br&gt;&lt;a href=&quot;{page}&quot;&gt;{page}&lt;/a&gt;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Folders of Shared Models</source>
        <translation>Pastas de modelos compartilhados</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Models in these folders, for instance on a network drive, are also listed; nothing is written there. If several models have the same name, your own comes first, then the shared one, then the included one.</source>
        <translation>Os modelos destas pastas, por exemplo em uma unidade de rede, também são listados; nada é gravado ali. Um modelo seu vem antes de um compartilhado com o mesmo nome, e este antes de um que acompanha o complemento.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>&amp;Add…</source>
        <translation>&amp;Adicionar…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>&amp;Remove</source>
        <translation>&amp;Remover</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/forms.py"/>
        <source>Choose a folder with models</source>
        <translation>Escolher uma pasta de modelos</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/model_list.py"/>
        <source>Layer</source>
        <translation>Camada</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/model_list.py"/>
        <source>Size</source>
        <translation>Tamanho</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/part.py"/>
        <source>Importing &#x27;{}&#x27;…</source>
        <translation>Importando &#x27;{}&#x27;…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/part.py"/>
        <source>Models…</source>
        <translation>Modelos…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/query.py"/>
        <source>Compare models</source>
        <translation>Comparar modelos</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/query.py"/>
        <source>List models</source>
        <translation>Listar modelos</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>SpectralGPT Models</source>
        <translation>Modelos do SpectralGPT</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>&amp;Import…</source>
        <translation>&amp;Importar…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Import a model file or a checkpoint</source>
        <translation>Incorporar um arquivo de modelo ou um checkpoint</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>&amp;Download…</source>
        <translation>&amp;Baixar…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Download published weights</source>
        <translation>Obter pesos publicados</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>&amp;Export…</source>
        <translation>&amp;Exportar…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Save the model for use elsewhere</source>
        <translation>Gravar o modelo para uso em outro lugar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>&amp;Rename…</source>
        <translation>&amp;Renomear…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Change the title or name</source>
        <translation>Outro título ou nome</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>De&amp;lete…</source>
        <translation>E&amp;xcluir…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Move the model to the trash</source>
        <translation>Mover o modelo para a lixeira</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>&amp;Shared folders…</source>
        <translation>Pastas compar&amp;tilhadas…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Folders that are used by several people</source>
        <translation>Pastas que várias pessoas usam</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Looking for installed models…</source>
        <translation>Procurando modelos instalados…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>No model matches. Change the search text, or choose all models.</source>
        <translation>Nenhum modelo corresponde. Altere o texto ou escolha todos os modelos.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>The layer &#x27;{}&#x27; is not a file, so its bands cannot be compared with the models. Save it as a GeoTIFF first.</source>
        <translation>A camada &#x27;{}&#x27; não é um arquivo; por isso as bandas dela não podem ser comparadas com os modelos. Salve-a antes como GeoTIFF.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Import Model</source>
        <translation>Importar modelo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Models and checkpoints ({})</source>
        <translation>Modelos e checkpoints ({})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/window.py"/>
        <source>Cancelled.</source>
        <translation>Cancelado.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>Import {}</source>
        <translation>Importar {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>The model &#x27;{}&#x27; was imported.</source>
        <translation>O modelo &#x27;{}&#x27; foi importado.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>Rename {}</source>
        <translation>Renomear {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>The model is now called &#x27;{}&#x27;.</source>
        <translation>O modelo agora se chama &#x27;{}&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>Download {}</source>
        <translation>Baixar {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>{there} of {whole}</source>
        <translation>{there} de {whole}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>Another model is being processed. Wait until it is done, or cancel it.</source>
        <translation>Outro modelo está sendo processado. Espere até que termine ou cancele.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work.py"/>
        <source>&#x27;{}&#x27; is not a model file. Choose an .onnx or .safetensors file of this plugin, or a SpectralGPT checkpoint (.pth).</source>
        <translation>&#x27;{}&#x27; não é um arquivo de modelo: esperava-se .onnx ou .safetensors deste complemento, ou um checkpoint do SpectralGPT (.pth).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/models/work_row.py"/>
        <source>&amp;Cancel</source>
        <translation>Cance&amp;lar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>Default settings of the tools</source>
        <translation>Padrões das ferramentas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>Automatic: the GPU if it works, otherwise the processor</source>
        <translation>Automático: a GPU onde ela funciona, senão o processador</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>Processor</source>
        <translation>Processador</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>GPU only</source>
        <translation>GPU, ou parar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>All ({})</source>
        <translation>Todas ({})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source> MB</source>
        <translation> MB</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>No limit</source>
        <translation>Sem limite</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>A job that needs more memory ends with a message instead of slowing down the computer. This applies to the computer&#x27;s memory, not to that of a GPU.</source>
        <translation>Um trabalho que precise de mais termina com uma mensagem, em vez de deixar o computador lento. Trata da memória do computador, não da de uma GPU.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>This limit is not available on macOS.</source>
        <translation>O macOS não tem como impor esse limite.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>Pr&amp;ocessing device</source>
        <translation>Calcular &amp;em</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>Processor t&amp;hreads</source>
        <translation>T&amp;hreads do processador</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/computing_form.py"/>
        <source>Memory &amp;limit</source>
        <translation>&amp;Limite de memória</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Checking the engine…</source>
        <translation>Examinando o motor…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Installation</source>
        <translation>Instalação</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>&amp;Install</source>
        <translation>&amp;Instalar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>&amp;Verify</source>
        <translation>&amp;Verificar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>&amp;Repair</source>
        <translation>&amp;Reparar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Remov&amp;e…</source>
        <translation>Rem&amp;over…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Stop</source>
        <translation>Parar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Tests the engine&#x27;s libraries, the processor and the GPU with a real computation.</source>
        <translation>Testa as bibliotecas do motor, o processador e a GPU com um cálculo real.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Installs the engine again; the old one is kept until the new one works.</source>
        <translation>Cria o motor de novo; o antigo fica até que o novo funcione.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Removes the engine. Your own models are kept.</source>
        <translation>Remove o motor. Os seus próprios modelos ficam.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>The engine in use was not changed.</source>
        <translation>O motor em uso ficou como estava.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Log and diagnostics</source>
        <translation>Log e diagnóstico</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Log</source>
        <translation>Log</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Messages of the engine appear here.</source>
        <translation>O que o motor diz aparece aqui.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>&amp;Diagnostics report…</source>
        <translation>Relatório de &amp;diagnóstico…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Versions, settings and the last messages, without personal data, to send with a question.</source>
        <translation>Versões, configurações e as últimas mensagens, sem dados pessoais, para enviar a outros.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>&amp;Update</source>
        <translation>&amp;Atualizar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Remove the Engine</source>
        <translation>Remover o motor</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_widget.py"/>
        <source>Remove the SpectralGPT engine? Your own models are kept, and you can install the engine again.</source>
        <translation>Remover o motor do SpectralGPT? Os seus próprios modelos ficam; ele pode ser instalado de novo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>{} MB</source>
        <translation>{} MB</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>{:.1f} GB</source>
        <translation>{:.1f} GB</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>The engine is installed and ready.</source>
        <translation>O motor está instalado e pronto.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>The engine works. An update is available.</source>
        <translation>O motor funciona, e há uma atualização à espera.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>The engine is not installed yet.</source>
        <translation>O motor ainda não está instalado.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>The engine computes the maps in a separate process. It is downloaded once into your own folder and does not change QGIS.</source>
        <translation>O motor calcula os mapas, em um processo próprio. É baixado uma única vez, para uma pasta sua; nada do QGIS é alterado.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>maps and training</source>
        <translation>mapas e treinamento</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>maps</source>
        <translation>mapas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>processor and NVIDIA GPU</source>
        <translation>processador e GPU NVIDIA</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>processor</source>
        <translation>processador</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>For {what}, on {device}.</source>
        <translation>Para {what}; dispositivo: {device}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>{size} in {place}</source>
        <translation>{size} em {place}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Folder: {}</source>
        <translation>Pasta: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Nothing is downloaded: the packages come from the folder of wheels.</source>
        <translation>Da pasta de pacotes wheel; nada é baixado.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>The download size is not known for this system.</source>
        <translation>Não se sabe quanto é baixado para este sistema.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Download size: {}.</source>
        <translation>Baixa {}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Disk space needed: {}.</source>
        <translation>Precisa de {} no disco.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Disk space needed: {needed}, but only {free} is available. Free some space, or choose another folder.</source>
        <translation>Precisa de {needed} no disco, onde só há {free} livres: libere espaço ou escolha outra pasta.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Disk space needed: {needed} ({free} available).</source>
        <translation>Precisa de {needed} no disco, onde há {free} livres.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Not tested on this computer yet. Verify tests the processor and the GPU.</source>
        <translation>Ainda não testado nesta máquina. Verificar testa o processador e a GPU.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Tested {}:</source>
        <translation>Testado {}:</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>works</source>
        <translation>funciona</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>not available</source>
        <translation>não disponível</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>{milliseconds:g} ms for {side} x {side} pixels</source>
        <translation>{milliseconds:g} ms para {side} x {side} pixels</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Graphics cards: {}</source>
        <translation>Placas gráficas: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>GPU for training</source>
        <translation>GPU para treinamento</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>GPU</source>
        <translation>GPU</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>The engine passed its test.</source>
        <translation>O motor passou no teste.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Python {python} on {platform}</source>
        <translation>Python {python} em {platform}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_words.py"/>
        <source>Libraries: {}</source>
        <translation>Bibliotecas: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_work.py"/>
        <source>Install the SpectralGPT engine</source>
        <translation>Instalar o motor do SpectralGPT</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_work.py"/>
        <source>Repair the SpectralGPT engine</source>
        <translation>Reparar o motor do SpectralGPT</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_work.py"/>
        <source>Remove the SpectralGPT engine</source>
        <translation>Remover o motor do SpectralGPT</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_work.py"/>
        <source>Cancelling…</source>
        <translation>Cancelando…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_work.py"/>
        <source>Done.</source>
        <translation>Concluído.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/engine_work.py"/>
        <source>Failed: {}</source>
        <translation>Falhou: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/install_form.py"/>
        <source>&amp;Maps with existing models</source>
        <translation>&amp;Mapas com modelos existentes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/install_form.py"/>
        <source>Maps, import of checkpoints and &amp;training of your own models</source>
        <translation>Mapas, importação de checkpoints e &amp;treinamento de modelos próprios</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/install_form.py"/>
        <source>Support for an NVIDIA &amp;GPU</source>
        <translation>Suporte para uma &amp;GPU NVIDIA</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/install_form.py"/>
        <source>Package sizes for this system, as of {}</source>
        <translation>Tamanhos dos pacotes deste sistema, registrados em {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Network and folders</source>
        <translation>Rede e pastas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>as in QGIS: none (http://user:password@host:port)</source>
        <translation>como no QGIS: nenhum (http://user:password@host:port)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Taken from the environment variable {}.</source>
        <translation>A variável de ambiente {} diz onde.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Package index</source>
        <translation>Índice de pacotes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Proxy</source>
        <translation>Proxy</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Certificates (CA file)</source>
        <translation>Certificados (arquivo CA)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Offline: folder of wheels</source>
        <translation>Sem rede: pasta de pacotes wheel</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/options/sources_form.py"/>
        <source>Folder for the engine</source>
        <translation>Pasta para o motor</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/parameter_widget.py"/>
        <source>{} [optional]</source>
        <translation>{} [opcional]</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/product_menu.py"/>
        <source>Open its whole product…</source>
        <translation>Abrir o seu produto completo…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/result_messages.py"/>
        <source>Open report</source>
        <translation>Abrir relatório</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/result_messages.py"/>
        <source>Show log</source>
        <translation>Mostrar log</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/result_messages.py"/>
        <source>The model &#x27;{}&#x27; is ready.</source>
        <translation>O modelo &#x27;{}&#x27; está pronto.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/result_messages.py"/>
        <source>Added to the project: {}</source>
        <translation>Adicionado ao projeto: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/result_messages.py"/>
        <source>The report is ready: {}</source>
        <translation>O relatório está pronto: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/swipe_line.py"/>
        <source>Line between the two maps</source>
        <translation>Linha entre os dois mapas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>Held-back scenes: mean average precision {:.2f} (1 is best).</source>
        <translation>Cenas que foram reservadas: precisão média (mAP) {:.2f} (1 é o melhor).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>The accuracy of the model is not known, because no labels could be held back.</source>
        <translation>Não se sabe quão bom é o modelo: nenhum rótulo pôde ser reservado para avaliá-lo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>{share} of the held-back scenes got the correct label.</source>
        <translation>Das cenas que foram reservadas, {share} receberam o rótulo certo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>{share} of the held-back labelled pixels were mapped correctly.</source>
        <translation>Dos pixels rotulados que foram reservados, {share} são mapeados corretamente.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>They lie in one place, so no confidence interval can be given.</source>
        <translation>Eles estão em um só local; por isso não se pode dizer quão seguro isto é.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>{share} of the held-back scenes got the correct label (95 % confidence interval: {low} to {high}, from {places} places).</source>
        <translation>Das cenas que foram reservadas, {share} receberam o rótulo certo: {low} a {high} com 95 % de confiança, avaliado em {places} locais.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/accuracy_words.py"/>
        <source>{share} of the held-back labelled pixels were mapped correctly (95 % confidence interval: {low} to {high}, from {places} places).</source>
        <translation>Dos pixels rotulados que foram reservados, {share} são mapeados corretamente: {low} a {high} com 95 % de confiança, avaliado em {places} locais.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/band_match.py"/>
        <source>The bands of &#x27;{}&#x27; will be matched when training starts.</source>
        <translation>As bandas de &#x27;{}&#x27; são associadas quando o treinamento começa.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/band_match.py"/>
        <source>Bands found: {}.</source>
        <translation>Bandas encontradas: {}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>Class</source>
        <translation>Classe</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>Prec.</source>
        <translation>Prec.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>Precision (user&#x27;s accuracy): the share of the pixels mapped as this class that really belong to it.</source>
        <translation>Precisão: do que é mapeado como a classe, a parte que é a classe (exatidão do usuário).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>Recall (producer&#x27;s accuracy): the share of the pixels of this class that were mapped as this class.</source>
        <translation>Revocação: do que é a classe, a parte que é mapeada como ela (exatidão do produtor).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>F1</source>
        <translation>F1</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>The harmonic mean of precision and recall.</source>
        <translation>Precisão e revocação em um só número: a média harmônica das duas.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>Overlap</source>
        <translation>Sobrep.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_accuracy.py"/>
        <source>Overlap (intersection over union, IoU): the area where map and labels both show this class, divided by the area where at least one of them does.</source>
        <translation>Sobreposição (interseção sobre união, IoU): de tudo o que é dela ou está mapeado como ela, a parte em que ambos concordam.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_bars.py"/>
        <source>Overlap (IoU)</source>
        <translation>Sobreposição (IoU)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_bars.py"/>
        <source>Overlap (intersection over union, IoU): the area where map and labels both show this class, divided by the area where at least one of them does. 100 % is best.</source>
        <translation>Sobreposição (interseção sobre união, IoU): de todo o terreno que é desta classe ou está mapeado como tal, a parte em que ambos concordam. 100 % é o melhor.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_bars.py"/>
        <source>Not known: no label of this class is held back.</source>
        <translation>Não conhecido: nenhum rótulo desta classe está reservado.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Remove class &#x27;{}&#x27;</source>
        <translation>Remover a classe &#x27;{}&#x27;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Join class &#x27;{gone}&#x27; with &#x27;{kept}&#x27;</source>
        <translation>Unir a classe &#x27;{gone}&#x27; a &#x27;{kept}&#x27;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>There is a class &#x27;{}&#x27; already.</source>
        <translation>Já existe uma classe &#x27;{}&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Join &#x27;{}&#x27; with it</source>
        <translation>Unir &#x27;{}&#x27; a ela</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>The layer &#x27;{}&#x27; cannot be edited. Save it as a GeoPackage (right-click, Export, Save Features As) and use that.</source>
        <translation>A camada &#x27;{}&#x27; não pode ser editada. Salve-a como GeoPackage (botão direito, Exportar, Salvar feições como) e use-o.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Draw</source>
        <translation>Desenhar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>New polygons get the chosen class. Right-click to finish a polygon; click this button again to stop drawing.</source>
        <translation>O que você desenha recebe a classe escolhida. O botão direito termina um polígono; clique de novo para parar.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Add class</source>
        <translation>Adicionar classe</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Remove</source>
        <translation>Remover</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_editor.py"/>
        <source>Removes the chosen class and its labels. Use Undo to restore them.</source>
        <translation>Remove a classe escolhida e os rótulos dela; Desfazer os traz de volta.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>No pixel of the raster has this value.</source>
        <translation>Nenhuma célula do raster tem este valor.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>{given} of at least {wanted} points. Draw {wanted} to ten points in different places: some of them are held back to measure the accuracy on areas that the model has not seen.</source>
        <translation>{given} de pelo menos {wanted} pontos. Marque de {wanted} a dez em locais diferentes: alguns são reservados para avaliar o modelo em terreno com que ele não aprendeu.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>{given} of at least {wanted} polygons. Draw {wanted} to ten polygons in different places: some of them are held back to measure the accuracy on areas that the model has not seen.</source>
        <translation>{given} de pelo menos {wanted} polígonos. Desenhe de {wanted} a dez em locais diferentes: alguns são reservados para avaliar o modelo em terreno com que ele não aprendeu.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Polygons</source>
        <translation>Polígonos</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Value</source>
        <translation>Valor</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Pixels</source>
        <translation>Pixels</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Labelled area in pixels of the first raster, including unsaved edits.</source>
        <translation>Área rotulada em pixels do primeiro raster; edições não salvas contam.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Double-click to choose another colour.</source>
        <translation>Clique duas vezes para escolher outra cor.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>{} (double-click to rename)</source>
        <translation>{} (clique duas vezes para renomear)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Draw polygons of &#x27;{}&#x27;</source>
        <translation>Desenhar polígonos de &#x27;{}&#x27;</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/class_table.py"/>
        <source>Colour of the class</source>
        <translation>Cor da classe</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/confusion_matrix.py"/>
        <source>{reference}: {count} mapped correctly ({share})</source>
        <translation>{reference}: {count} mapeados corretamente ({share})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/confusion_matrix.py"/>
        <source>{reference}: {count} mapped as {mapped} ({share})</source>
        <translation>{reference}: {count} mapeados como {mapped} ({share})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/confusion_matrix.py"/>
        <source>Reference ↓</source>
        <translation>Referência ↓</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/confusion_matrix.py"/>
        <source>Mapped as →</source>
        <translation>Mapeado como →</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/confusion_matrix.py"/>
        <source>Sum</source>
        <translation>Soma</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/curve_chart.py"/>
        <source>best</source>
        <translation>melhor</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>Fine-tune a model</source>
        <translation>Ajuste fino de um modelo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>The engine&#x27;s training libraries are missing.</source>
        <translation>Faltam as bibliotecas de treinamento do motor.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>Training… You can continue drawing in the meantime.</source>
        <translation>Treinando… Enquanto isso, você pode continuar desenhando.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>The SpectralGPT tools are missing from the Processing toolbox. Reload the plugin.</source>
        <translation>As ferramentas do SpectralGPT não estão na caixa de ferramentas. Carregue o complemento de novo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>1 Imagery and labels</source>
        <translation>1 Imagens e rótulos</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>2 Train</source>
        <translation>2 Treinar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>3 Result</source>
        <translation>3 Resultado</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/dock.py"/>
        <source>Available after training.</source>
        <translation>Aparece quando um modelo foi treinado.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/engine_missing.py"/>
        <source>En&amp;gine…</source>
        <translation>&amp;Motor…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/expected_time.py"/>
        <source>Expected time: about {time}, based on an earlier training on this computer ({earlier}).</source>
        <translation>Tempo previsto: cerca de {time}, segundo um treinamento anterior nesta máquina ({earlier}).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/expected_time.py"/>
        <source>Expected time: about {time}, measured on another computer. After your first training, the time of this computer is shown.</source>
        <translation>Tempo previsto: cerca de {time}. Foi medido em outra máquina; depois do primeiro treinamento, vale o desta.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/expected_time.py"/>
        <source>Expected time: not known before the first training of this kind on this computer.</source>
        <translation>Tempo previsto: não conhecido antes do primeiro treinamento deste tipo nesta máquina.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/expected_time.py"/>
        <source>{} s</source>
        <translation>{} s</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/expected_time.py"/>
        <source>{} min</source>
        <translation>{} min</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/expected_time.py"/>
        <source>{hours} h {minutes} min</source>
        <translation>{hours} h {minutes} min</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/footer.py"/>
        <source>&amp;Train</source>
        <translation>&amp;Treinar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/footer.py"/>
        <source>Ready to train.</source>
        <translation>Pronto para treinar.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Map of classes</source>
        <translation>Mapa de classes</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>One class for every pixel.</source>
        <translation>Uma classe para cada pixel.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>One label for each polygon or grid cell.</source>
        <translation>Um rótulo para um polígono ou uma célula de grade inteira.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Change</source>
        <translation>Mudanças</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Where two dates differ.</source>
        <translation>Onde duas datas diferem.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Tas&amp;k</source>
        <translation>Tare&amp;fa</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Choose the raster that you want to label.</source>
        <translation>Escolha o raster com o terreno que você quer rotular.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Choose the raster of the second date.</source>
        <translation>Escolha o raster da segunda data.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Both dates are the same raster. Choose a different one for the second date.</source>
        <translation>As duas datas são o mesmo raster. Escolha outro para a segunda data.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/imagery_panel.py"/>
        <source>Checking the bands…</source>
        <translation>Examinando as bandas…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_classes.py"/>
        <source>Unchanged</source>
        <translation>Inalterado</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_classes.py"/>
        <source>Changed</source>
        <translation>Alterado</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_classes.py"/>
        <source>Class 1</source>
        <translation>Classe 1</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_classes.py"/>
        <source>Class 2</source>
        <translation>Classe 2</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_classes.py"/>
        <source>Class {}</source>
        <translation>Classe {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_counter.py"/>
        <source>Counting the labels of {}</source>
        <translation>Contando os rótulos de {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_layer.py"/>
        <source>The file {} already exists and was not changed. Choose another name.</source>
        <translation>O arquivo {} já existe e fica como está. Dê outro nome.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/label_layer.py"/>
        <source>The label layer could not be created in {path}: {reason} Choose a folder in which you can write.</source>
        <translation>A camada de rótulos não pôde ser criada em {path}: {reason} Escolha uma pasta em que você possa gravar.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Create a label layer, or choose one.</source>
        <translation>Crie uma camada de rótulos ou escolha uma.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Choose the field with the class.</source>
        <translation>Escolha o campo com a classe.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Counting the labels…</source>
        <translation>Contando os rótulos…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>&#x27;{name}&#x27; has {found} different values, so it is an image and not a class raster. Choose another layer.</source>
        <translation>«{name}» tem {found} valores diferentes: é uma imagem e não um raster de classes. Escolha outra camada.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>{found} different values were found, but a model can have at most {most} classes. Choose the field that holds the class rather than an ID of the features, or merge classes.</source>
        <translation>Foram encontrados {found} valores diferentes e um modelo pode ter no máximo {most} classes. Escolha o campo da classe, e não um que numere as feições, ou junte classes.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>All labels lie outside the rasters. Draw some on them.</source>
        <translation>Todos os rótulos estão fora dos rasters. Desenhe alguns sobre eles.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Label at least two classes: there are no labels of &#x27;{}&#x27; yet.</source>
        <translation>Rotule pelo menos duas classes: nada está rotulado como &#x27;{}&#x27; ainda.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Label at least two classes. Add a second class.</source>
        <translation>Rotule pelo menos duas classes. Adicione uma segunda.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Few labels: {}. The model can be trained, but its accuracy can hardly be measured.</source>
        <translation>Poucos rótulos: {}. O modelo pode ser treinado, mas dificilmente avaliado.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Choose a raster first: the label layer uses its coordinate system.</source>
        <translation>Escolha antes um raster: a camada de rótulos recebe o sistema de referência de coordenadas dele.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Labels {}</source>
        <translation>Rótulos {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Save label layer</source>
        <translation>Onde os rótulos devem ser guardados?</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>GeoPackage (*.gpkg)</source>
        <translation>GeoPackage (*.gpkg)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Left out because they have no class: {}.</source>
        <translation>Sem classe e por isso deixados de fora: {}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Left out because they lie outside the rasters: {}.</source>
        <translation>Fora dos rasters e por isso deixados de fora: {}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Choose a layer</source>
        <translation>Escolher uma camada</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>&amp;New…</source>
        <translation>&amp;Nova…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Creates an empty polygon layer next to the project, with a field for the class, and starts drawing in it.</source>
        <translation>Cria uma camada de polígonos vazia ao lado do projeto, com um campo para a classe, e começa a desenhar nela.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>&amp;Field</source>
        <translation>Cam&amp;po</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/labels_panel.py"/>
        <source>Draw three to ten small polygons of every class, in different places, each on an area that clearly belongs to this class. Areas that you do not label are ignored.</source>
        <translation>Desenhe de três a dez polígonos pequenos de cada classe, em locais diferentes, cada um em terreno que seja com certeza dessa classe. O que você não rotula é ignorado.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>&amp;Find places to label next</source>
        <translation>&amp;Encontrar os próximos locais a rotular</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>In the current map view</source>
        <translation>Na vista do mapa</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>In the whole layer</source>
        <translation>Na camada inteira</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>Where to look for places</source>
        <translation>Onde procurar locais</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>Only for models that assign a class to every pixel.</source>
        <translation>Para modelos que dão uma classe a cada pixel.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>Places to label next</source>
        <translation>Próximos locais a rotular</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>The places cannot be opened: {}</source>
        <translation>Os locais não podem ser abertos: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/next_places.py"/>
        <source>Places found in {seconds:.1f} s: {count}.</source>
        <translation>Locais encontrados em {seconds:.1f} s: {count}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Looking for models to start from…</source>
        <translation>Procurando modelos de partida…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Choose the model to start from, under Advanced.</source>
        <translation>Escolha o modelo de partida, em Avançado.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Any imagery</source>
        <translation>Quaisquer imagens</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Robust to other dates, light and haze.</source>
        <translation>Suporta outras datas, outra luz e névoa.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>These rasters</source>
        <translation>Estes rasters</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Slightly better here, but may fail elsewhere.</source>
        <translation>Um pouco melhor aqui, e pode falhar em outros lugares.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>To be &amp;used on</source>
        <translation>Para &amp;usar em</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>&amp;Name of the model</source>
        <translation>&amp;Nome do modelo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Advanced</source>
        <translation>Avançado</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>&amp;Base model</source>
        <translation>Modelo de &amp;base</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Dev&amp;ice</source>
        <translation>D&amp;ispositivo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Labels held bac&amp;k</source>
        <translation>Reservados para ava&amp;liar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>B&amp;and numbers</source>
        <translation>Números das ban&amp;das</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Automatic</source>
        <translation>Automático</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Decided by the number of labels and the computer.</source>
        <translation>Decide conforme os seus rótulos e a sua máquina.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Backbone unchanged (quick)</source>
        <translation>A base fica como está (quick)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Trains only a last layer: takes seconds and suits few labels.</source>
        <translation>Só um último passo aprende: leva segundos e serve para poucos rótulos.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Part of the model (adapters)</source>
        <translation>Uma pequena parte aprende (adapters)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Changes a small part of the model&#x27;s weights: takes minutes.</source>
        <translation>Altera poucos pesos da base: leva minutos.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Whole model (full)</source>
        <translation>Toda a base aprende (full)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Changes all weights: needs many labels and a GPU.</source>
        <translation>Altera todos os pesos: pede muitos rótulos e uma GPU.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>How many times the training passes through the labels.</source>
        <translation>Quantas vezes os rótulos são percorridos.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>The GPU if it works, otherwise the processor.</source>
        <translation>Uma GPU onde ela funciona, senão o processador.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>Whole groups of neighbouring labels, so that accuracy is measured on areas that the model has not seen. With 0, it is not measured.</source>
        <translation>Grupos inteiros de rótulos vizinhos, para que o modelo seja avaliado em outro lugar; com 0, ele não é avaliado.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>The same seed always gives the same result. Try other seeds to see how much results vary.</source>
        <translation>A mesma semente dá de novo o mesmo resultado. Tente outras para ver quanto varia.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>matched automatically</source>
        <translation>associadas automaticamente</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/options_panel.py"/>
        <source>One raster band for each band of the base model, in its order, such as 2,3,4,8.</source>
        <translation>Uma banda do raster para cada banda da base, na ordem dela, como 2,3,4,8.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/place_walk.py"/>
        <source>Previo&amp;us</source>
        <translation>Ante&amp;rior</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/place_walk.py"/>
        <source>Ne&amp;xt</source>
        <translation>Pró&amp;ximo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/place_walk.py"/>
        <source>Places, least certain first: {}</source>
        <translation>Locais, o menos seguro primeiro: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/place_walk.py"/>
        <source>Place {number} of {count}:</source>
        <translation>Local {number} de {count}:</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/place_walk.py"/>
        <source>{first} or {second}?</source>
        <translation>{first} ou {second}?</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>Decided automatically: &#x27;{base}&#x27; is not changed, and only a last layer is trained (quick).</source>
        <translation>Decidido automaticamente: &#x27;{base}&#x27; fica como está, e só um último passo aprende as suas mudanças (quick).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>Starts from &#x27;{base}&#x27;. How much of it is trained depends on your labels and your computer.</source>
        <translation>Parte de &#x27;{base}&#x27;. Quanto dele aprende é decidido pelos seus rótulos e pela sua máquina.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>Decided automatically: &#x27;{base}&#x27; is not changed, and only a last layer is trained (quick). This suits fewer than {many} labels; there are {labels}.</source>
        <translation>Decidido automaticamente: &#x27;{base}&#x27; fica como está, e só um último passo aprende as suas classes (quick). Serve para menos de {many} rótulos; há {labels}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>Decided automatically: with {labels} labels, &#x27;{base}&#x27; is trained as well: all of it with a working GPU (full), otherwise a small part (adapters), or none of it if it is large (quick).</source>
        <translation>Decidido automaticamente: com {labels} rótulos &#x27;{base}&#x27; também aprende, todo ele com uma GPU que funcione (full), senão uma pequena parte (adapters), ou nada se for grande (quick).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>&#x27;{base}&#x27; is not changed, and only a last layer is trained (quick).</source>
        <translation>&#x27;{base}&#x27; fica como está, e só um último passo aprende os seus rótulos (quick).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>A small part of &#x27;{base}&#x27; is trained as well (adapters).</source>
        <translation>Uma pequena parte de &#x27;{base}&#x27; também aprende (adapters).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/plan_words.py"/>
        <source>All of &#x27;{base}&#x27; is trained (full), which needs many labels and a GPU.</source>
        <translation>Todo &#x27;{base}&#x27; também aprende (full): pede muitos rótulos e uma GPU.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/prediction.py"/>
        <source>The map view does not show any raster that the model was trained on. Zoom to one of them.</source>
        <translation>O mapa não mostra nenhum raster com que o modelo aprendeu. Aproxime-se de um deles.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/prediction.py"/>
        <source>The rasters that the model was trained on are no longer in the project.</source>
        <translation>Os rasters com que o modelo aprendeu não existem mais.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/preview.py"/>
        <source>Preview: {}</source>
        <translation>Prévia: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/preview.py"/>
        <source>The preview cannot be opened: {}</source>
        <translation>A prévia não pode ser aberta: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/preview.py"/>
        <source>Preview of the centre of the map view in {seconds:.1f} s. Zoom in to see other areas.</source>
        <translation>Prévia do centro do mapa em {seconds:.1f} s. Aproxime para ver outra parte.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/preview.py"/>
        <source>Preview of the map view in {seconds:.1f} s.</source>
        <translation>Prévia do que o mapa mostra em {seconds:.1f} s.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_describer.py"/>
        <source>Checking the bands of {}</source>
        <translation>Examinando as bandas de {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>Raster of the second date</source>
        <translation>Raster da segunda data</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>Remove this raster</source>
        <translation>Retirar este raster</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>to</source>
        <translation>até</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>&amp;Add raster</source>
        <translation>&amp;Adicionar raster</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>Trains on several rasters at once, for instance of other places or dates. They share the labels.</source>
        <translation>Aprende com vários rasters de uma vez: outros locais, outras datas. Eles usam os mesmos rótulos.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>&amp;Add pair of rasters</source>
        <translation>&amp;Adicionar par de rasters</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/raster_rows.py"/>
        <source>Choose a raster</source>
        <translation>Escolher um raster</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Opens the report in the web browser.</source>
        <translation>Abre o relatório no navegador.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Prev&amp;iew</source>
        <translation>&amp;Prévia</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Maps the current map view, as a temporary layer above the imagery.</source>
        <translation>Mapeia o que a vista do mapa mostra, como camada temporária acima das imagens.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Comp&amp;are</source>
        <translation>&amp;Comparar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Shows the preview only to the left of a line, which you can drag across the map (press Esc to exit)</source>
        <translation>Mostra a prévia só à esquerda de uma linha, que você arrasta sobre o mapa (Esc encerra)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Appl&amp;y to the whole layer…</source>
        <translation>&amp;Aplicar à camada inteira…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Opens the tool with the model and the raster already chosen.</source>
        <translation>Abre a ferramenta com o modelo e o raster já preenchidos.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Map</source>
        <translation>Mapa</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Retrai&amp;n from this model</source>
        <translation>Treinar de &amp;novo a partir deste modelo</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Returns to the labels, with this model as the one to start from.</source>
        <translation>Volta aos rótulos, com este modelo como ponto de partida.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Improve it</source>
        <translation>Melhorar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Percent of each row</source>
        <translation>Por cento de cada linha</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>The accuracy of the model is shown here after training.</source>
        <translation>Quando um modelo foi treinado, aqui consta quão bom ele é.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Mapping the current view…</source>
        <translation>Mapeando o que o mapa mostra…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Held-back labels: {samples}. Each place was held back once, from a model that did not see it; the final model was trained on all labels.</source>
        <translation>Rótulos que foram reservados: {samples}. Cada local foi reservado uma vez, de um modelo que não o viu; o modelo em si aprendeu com todos.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/result_panel.py"/>
        <source>Held-back labels: {samples}. The best epoch was chosen with the same labels, so these figures are slightly too optimistic.</source>
        <translation>Rótulos que foram reservados: {samples}. A melhor rodada foi escolhida pelos mesmos rótulos; por isso eles a favorecem um pouco.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_curves.py"/>
        <source>Training loss</source>
        <translation>Perda de treinamento</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_curves.py"/>
        <source>Epoch</source>
        <translation>Rodada</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_curves.py"/>
        <source>Parts assessed</source>
        <translation>Partes avaliadas</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_curves.py"/>
        <source>The curves appear after the first results on held-back labels.</source>
        <translation>As curvas aparecem assim que rótulos reservados forem avaliados.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_curves.py"/>
        <source>There are no curves, because no labels were held back.</source>
        <translation>Não há nada a desenhar: nenhum rótulo foi reservado.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Cancel</source>
        <translation>Cancelar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Starting the engine…</source>
        <translation>Iniciando o motor…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Stopping at once…</source>
        <translation>Parando imediatamente…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Stopping and saving the best model so far…</source>
        <translation>Parando e gravando o melhor modelo até agora…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Stopping…</source>
        <translation>Parando…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Warning: {}</source>
        <translation>Aviso: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Stopped. There was no model yet, so nothing was saved.</source>
        <translation>Interrompido. Ainda não havia modelo; por isso nada foi mantido.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_panel.py"/>
        <source>Stop now</source>
        <translation>Parar agora</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>On held-back labels, after epoch {done} of at most {rounds}:</source>
        <translation>Em rótulos reservados, após a rodada {done} de no máximo {rounds}:</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>On held-back labels, before the first epoch:</source>
        <translation>Em rótulos reservados, antes da primeira rodada:</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>On held-back labels, {done} of {parts} parts:</source>
        <translation>Em rótulos reservados, {done} de {parts} partes:</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>No results on held-back labels yet.</source>
        <translation>Nenhum rótulo foi avaliado ainda.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>&#x27;Stop now&#x27; stops immediately and keeps nothing.</source>
        <translation>&#x27;Parar agora&#x27; não espera e não mantém nada.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>There is no model yet: if you cancel, nothing is saved.</source>
        <translation>Ainda não há modelo: Cancelar não deixa nada.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>If you cancel, the model is kept as it is now.</source>
        <translation>Cancelar mantém o modelo como está.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>If you cancel, the model from before the first epoch is kept, the best so far.</source>
        <translation>Cancelar mantém o modelo de antes da primeira rodada, o melhor até agora.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>If you cancel, the model of epoch {best} is kept, the best so far.</source>
        <translation>Cancelar mantém o modelo da rodada {best}, o melhor até agora.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>Stopped early. The model of epoch {best}, the best so far, was kept.</source>
        <translation>Interrompido antes do fim. O modelo da rodada {best}, o melhor até agora, foi mantido.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>Stopped early. The model from before the first epoch was kept.</source>
        <translation>Interrompido antes do fim. O modelo de antes da primeira rodada foi mantido.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>Stopped early. The model of the last epoch was kept.</source>
        <translation>Interrompido antes do fim. O modelo da última rodada foi mantido.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>Done in {time}. The model of epoch {best}, the best one, was kept.</source>
        <translation>Concluído em {time}. O modelo da rodada {best}, o melhor, foi mantido.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/gui/training/run_words.py"/>
        <source>Done in {time}.</source>
        <translation>Concluído em {time}.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/i18n.py"/>
        <source>SpectralGPT speaks English</source>
        <translation>SpectralGPT fala português</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/i18n.py"/>
        <source>about {seconds} s left</source>
        <translation>faltam cerca de {seconds} s</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/i18n.py"/>
        <source>about {minutes} min left</source>
        <translation>faltam cerca de {minutes} min</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/i18n.py"/>
        <source>about {hours} h {minutes} min left</source>
        <translation>faltam cerca de {hours} h {minutes} min</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/layer_words.py"/>
        <source>The layer &#x27;{}&#x27; has no coordinate reference system. Set it with right-click, Layer CRS.</source>
        <translation>A camada &#x27;{}&#x27; não tem sistema de referência de coordenadas. Defina-o com o botão direito, SRC da camada.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/layer_words.py"/>
        <source>The layer &#x27;{}&#x27; has no text or whole-number field that could hold a class. Add one, and give every feature its class.</source>
        <translation>A camada &#x27;{}&#x27; não tem nenhum campo de texto ou de números inteiros que possa conter uma classe. Adicione um e dê a cada feição a sua classe.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/layer_words.py"/>
        <source>None of the labels has a class: fill in the field &#x27;{}&#x27;.</source>
        <translation>Nenhum rótulo tem classe: preencha o campo &#x27;{}&#x27;.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/layer_words.py"/>
        <source>The layer &#x27;{}&#x27; is an image rendered by a web service, so its colours are not classes. Choose the original class raster, as a GeoTIFF or from a coverage service (WCS).</source>
        <translation>A camada &#x27;{}&#x27; é uma figura que um serviço web desenha: suas cores não são classes. Escolha o próprio raster de classes, como GeoTIFF ou de um serviço de coberturas (WCS).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/plugin.py"/>
        <source>Open satellite product…</source>
        <translation>Abrir produto de satélite…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/plugin.py"/>
        <source>Land-cover map…</source>
        <translation>Mapa de cobertura do solo…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/plugin.py"/>
        <source>Detect change…</source>
        <translation>Detectar mudanças…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/plugin.py"/>
        <source>Describe layer for models…</source>
        <translation>Descrever camada para modelos…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/plugin.py"/>
        <source>Engine…</source>
        <translation>Motor…</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/provider.py"/>
        <source>SpectralGPT {} (models for multispectral rasters)</source>
        <translation>SpectralGPT {} (modelos para rasters multiespectrais)</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/quick_look_layer.py"/>
        <source>Quick look: {}</source>
        <translation>Pré-visualização rápida: {}</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/raster_source.py"/>
        <source>The no-data value of &#x27;{name}&#x27;, band {band}, is switched off in the layer properties. It is still treated as no-data here.</source>
        <translation>O valor sem dados de &#x27;{name}&#x27;, banda {band}, está desativado nas propriedades da camada; mesmo assim, é respeitado aqui.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/raster_source.py"/>
        <source>The additional no-data range {low} to {high} of &#x27;{name}&#x27; is ignored: only single values are supported.</source>
        <translation>O intervalo adicional sem dados {low} a {high} de &#x27;{name}&#x27; é deixado de fora: só há suporte para valores únicos.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/result_layers.py"/>
        <source>{tool} ({time})</source>
        <translation>{tool} ({time})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/result_layers.py"/>
        <source>{tool}: {subject} ({time})</source>
        <translation>{tool}: {subject} ({time})</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/styling.py"/>
        <source>No class</source>
        <translation>Sem classe</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/styling.py"/>
        <source>Not yet labelled</source>
        <translation>A avaliar</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/styling.py"/>
        <source>The style of {} was not saved: the file cannot be opened.</source>
        <translation>O estilo de {} não foi salvo: o arquivo não pode ser aberto.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/algorithm_task.py"/>
        <source>There is no algorithm &#x27;{}&#x27;. Enable the plugin that provides it.</source>
        <translation>Não existe o algoritmo &#x27;{}&#x27;. Ative o complemento que o fornece.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/algorithm_task.py"/>
        <source>The inputs could not be read. See the log for details.</source>
        <translation>As entradas não puderam ser lidas. O log diz mais.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/diagnostics_task.py"/>
        <source>SpectralGPT diagnostics report</source>
        <translation>Relatório de diagnóstico do SpectralGPT</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>&#x27;{}&#x27; is not an address for downloads: it must begin with https:// or http://.</source>
        <translation>&#x27;{}&#x27; não é um endereço do qual se possa baixar: deve começar com https:// ou http://.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>&#x27;{path}&#x27; cannot be written: {reason}. Free some space, or choose another folder.</source>
        <translation>&#x27;{path}&#x27; não pode ser gravado: {reason}. Libere espaço ou escolha outra pasta.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The download could not start: {} Check the address, the network, and the proxy in Settings &gt; Options &gt; Network.</source>
        <translation>O download não começou: {} Verifique o endereço, a rede e o proxy em Configurações &gt; Opções &gt; Rede.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The download was interrupted: {} The downloaded part is kept; download again to continue.</source>
        <translation>O download foi interrompido: {} O que já chegou é mantido; baixe de novo para continuar daí.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>the file has changed on the server.</source>
        <translation>o arquivo mudou no servidor.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>{came} of {whole} bytes were received.</source>
        <translation>chegaram {came} de {whole} bytes.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>the server sent no data.</source>
        <translation>o servidor não enviou nada.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>There is no file at {} (404). Check the address.</source>
        <translation>Não há arquivo em {} (404). Verifique o endereço.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The server does not allow public access to {url} ({status}). Download it with your browser and import the file.</source>
        <translation>O servidor não fornece {url} a todos ({status}). Baixe com o seu navegador e importe o arquivo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The proxy requires a user name and a password (407). Set them in QGIS: Settings &gt; Options &gt; Network.</source>
        <translation>O proxy pede nome e senha (407). Defina-os no QGIS: Configurações &gt; Opções &gt; Rede.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The server returned the status {status} for {url}. Try again later.</source>
        <translation>O servidor respondeu {status} para {url}. Tente mais tarde.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The downloaded file has {came} bytes instead of {size}. It was deleted; try again later.</source>
        <translation>O arquivo baixado tem {came} bytes; esperavam-se {size}. Ele foi removido; tente mais tarde.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/download.py"/>
        <source>The downloaded file is not the published one: its SHA-256 is {found} instead of {expected}. It was deleted; do not use copies of it from other sources.</source>
        <translation>O arquivo baixado não é o publicado: o SHA-256 dele é {found}; esperava-se {expected}. Ele foi removido; também não o use de outra fonte.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/engine_state.py"/>
        <source>Check the SpectralGPT engine</source>
        <translation>Examinar o motor do SpectralGPT</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/engine_test.py"/>
        <source>Verify the SpectralGPT engine</source>
        <translation>Verificar o motor do SpectralGPT</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/tasks/engine_test.py"/>
        <source>Testing {}</source>
        <translation>Testando {}</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>polygons</source>
        <translation>polígonos</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>{pixels} pixels of {units} polygons</source>
        <translation>{pixels} pixels de {units} polígonos</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>points</source>
        <translation>pontos</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>{pixels} pixels</source>
        <translation>{pixels} pixels</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>class raster</source>
        <translation>raster de classes</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>{pixels} pixels of {units} connected regions</source>
        <translation>{pixels} pixels de {units} regiões conectadas</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>{raster}, mapped with {model}</source>
        <translation>{raster}, mapeado com {model}</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>Classes matched by name</source>
        <translation>Classes associadas pelo nome</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>Classes matched by value</source>
        <translation>Classes associadas pelo valor</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>Classes matched by name and value</source>
        <translation>Classes associadas pelo nome e pelo valor</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>References</source>
        <translation>Referências</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>Design</source>
        <translation>Desenho amostral</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>stratified random sample</source>
        <translation>amostra aleatória estratificada</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Reference samples</source>
        <translation>Amostras de referência</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Summary</source>
        <translation>Resumo</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>How it was made</source>
        <translation>Como foi feito</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Precision (user&#x27;s accuracy) is the share of the pixels mapped as a class that really belong to it. Recall (producer&#x27;s accuracy) is the share of the pixels of a class that were mapped as this class. Means are over the classes that occur in the references or in the map.</source>
        <translation>Precisão (exatidão do usuário): do que está mapeado como uma classe, a parte que é dela. Revocação (exatidão do produtor): do que é uma classe, a parte mapeada como tal. As médias são sobre as classes que ocorrem nas referências ou no mapa.</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Accuracy of a class map</source>
        <translation>Exatidão de um mapa de classes</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Overall accuracy, area-adjusted</source>
        <translation>Exatidão global, ponderada pela área</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Overall accuracy of the sample</source>
        <translation>Exatidão global da amostra</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Kappa of the sample</source>
        <translation>Kappa da amostra</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Mean overlap (IoU) of the sample</source>
        <translation>Sobreposição média (IoU) da amostra</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Mean F1 of the sample</source>
        <translation>F1 médio da amostra</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>User&#x27;s accuracy</source>
        <translation>Exatidão do usuário</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Producer&#x27;s accuracy</source>
        <translation>Exatidão do produtor</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Mapped, ha</source>
        <translation>Mapeado, ha</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Estimated, ha</source>
        <translation>Estimado, ha</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>{level} interval, ha</source>
        <translation>Intervalo de {level}, ha</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Area-adjusted accuracy and areas</source>
        <translation>Exatidão ponderada pela área e áreas</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Estimates for the whole map from the stratified sample (Olofsson et al. 2014, Remote Sensing of Environment 148, 42–57). Each class is weighted by its area, not by its number of points. The estimated areas are corrected for the errors of the map: report these areas together with their intervals.</source>
        <translation>Estimativas para todo o mapa a partir da amostra estratificada (Olofsson et al. 2014, Remote Sensing of Environment 148, 42–57): cada classe conta pela sua área, não pelos seus pontos. As áreas estimadas estão corrigidas pelos erros do mapa; informe estas, com os seus intervalos.</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Intervals: {level}</source>
        <translation>Intervalos: {level}</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Estimated shares of the total area</source>
        <translation>Proporções de área estimadas</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Reference</source>
        <translation>Referência</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Mapped</source>
        <translation>Mapeado</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Precision (user&#x27;s accuracy)</source>
        <translation>Precisão (exatidão do usuário)</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>Recall (producer&#x27;s accuracy)</source>
        <translation>Revocação (exatidão do produtor)</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>F1 of each class</source>
        <translation>F1 de cada classe</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluation_report.py"/>
        <source>{value} ({level} interval {interval})</source>
        <translation>{value} (intervalo de {level}: {interval})</translation>
    </message>
    <message>
        <location filename="../engine/report/command.py"/>
        <source>*** stands for a login or an access key, which reports leave out: put yours in its place.</source>
        <translation>*** substitui um início de sessão ou uma chave de acesso, que os relatórios omitem: coloque os seus no lugar.</translation>
    </message>
    <message>
        <location filename="../engine/report/document.py"/>
        <source>true ↓ mapped →</source>
        <translation>real ↓ mapeado →</translation>
    </message>
    <message>
        <location filename="../engine/report/document.py"/>
        <source>sum</source>
        <translation>soma</translation>
    </message>
    <message>
        <location filename="../engine/report/document.py"/>
        <source>No values.</source>
        <translation>Sem valores.</translation>
    </message>
    <message>
        <location filename="../engine/report/document.py"/>
        <source>Made by SpectralGPT for QGIS {version}</source>
        <translation>Feito com SpectralGPT para QGIS {version}</translation>
    </message>
    <message>
        <location filename="../engine/train/examples.py"/>
        <source>{raster}, row {row}, column {column}: imagery, labels, map</source>
        <translation>{raster}, linha {row}, coluna {column}: imagem, rótulos, mapa</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>Second date</source>
        <translation>Segunda data</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>Labelled places</source>
        <translation>Locais rotulados</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>Bands</source>
        <translation>Bandas</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>{pixels} px of {size} m</source>
        <translation>{pixels} px de {size} m</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>{file}, field {field}</source>
        <translation>{file}, campo {field}</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Result</source>
        <translation>Resultado</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Accuracy on unseen areas</source>
        <translation>Terreno que ele não viu</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Reconstructed imagery</source>
        <translation>O que ele pinta</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Masked input ({share} hidden), reconstruction and error (black = no error) at {raster}.</source>
        <translation>Entrada mascarada ({share} oculto), reconstrução, erro (preto: nenhum) em {raster}.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Settings</source>
        <translation>Configurações</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>To repeat this run:</source>
        <translation>Para fazer o mesmo de novo:</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Backbone pretrained on {rasters} rasters without labels</source>
        <translation>Backbone pré-treinado em {rasters} rasters sem rótulos</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>learned</source>
        <translation>aprendido</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>random weights</source>
        <translation>pesos aleatórios</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Weights</source>
        <translation>Pesos</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Duration</source>
        <translation>Duração</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>{seconds} s, processes: {processes}</source>
        <translation>{seconds} s, processos: {processes}</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>training</source>
        <translation>treinamento</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>epoch</source>
        <translation>época</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>loss</source>
        <translation>perda</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>this network</source>
        <translation>esta rede</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>interpolation</source>
        <translation>interpolação</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>band mean</source>
        <translation>média da banda</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Error on held-back areas</source>
        <translation>Erro no que foi reservado</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>mean squared error</source>
        <translation>erro quadrático médio</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>The imagery was too small to hold back any of it.</source>
        <translation>As imagens eram pequenas demais para reservar uma parte delas.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>{measure}. {windows} windows of {pixels} px.</source>
        <translation>{measure}. {windows} janelas de {pixels} px.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Error</source>
        <translation>Erro</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Stage</source>
        <translation>Etapa</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>Batches</source>
        <translation>Lotes</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>all</source>
        <translation>todas</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>The first {shown} of {all}.</source>
        <translation>Os primeiros {shown} de {all}.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_finetuning.py"/>
        <source>Scenes with labels</source>
        <translation>Cenas com rótulo</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Data and settings</source>
        <translation>Dados e configurações</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Run again</source>
        <translation>Executar de novo</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>With the engine&#x27;s Python, in the plugin folder:</source>
        <translation>Com o Python do motor, na pasta do complemento:</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Segmentation, {classes} classes</source>
        <translation>Segmentação, {classes} classes</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Scene classification, {classes} classes</source>
        <translation>Classificação de cenas, {classes} classes</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Change detection, {classes} classes</source>
        <translation>Detecção de mudanças, {classes} classes</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>quick: a head on an unchanged backbone</source>
        <translation>rápido: uma cabeça sobre o backbone congelado</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>adapters: a small part of the backbone is trained</source>
        <translation>adaptadores: alguns pesos do backbone também são aprendidos</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>full: all weights are trained</source>
        <translation>completo: todos os pesos são aprendidos</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>not known: no labels could be held back</source>
        <translation>desconhecida: nenhum rótulo pôde ser reservado</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Assessed on</source>
        <translation>Avaliado em</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Held-back scenes</source>
        <translation>Cenas reservadas</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Held-back pixels</source>
        <translation>Pixels reservados</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>On held-back labels</source>
        <translation>Em rótulos reservados</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Labelled pixels</source>
        <translation>Pixels rotulados</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Colour</source>
        <translation>Cor</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Labels of each class</source>
        <translation>Rótulos de cada classe</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_report.py"/>
        <source>Examples</source>
        <translation>Exemplos</translation>
    </message>
    <message>
        <location filename="../engine/assess/allocation.py"/>
        <source>A sample of {1} points cannot cover {2} classes. Use at least {3} points, preferably {4}.</source>
        <translation>Uma amostra de {1} pontos não pode cobrir {2} classes. Peça pelo menos {3} pontos, de preferência {4}.</translation>
    </message>
    <message>
        <location filename="../engine/assess/class_raster.py"/>
        <source>The map {1} has decimal numbers ({2}), but a class map has whole numbers that stand for classes. Choose a class map, such as one made with &#x27;Land-cover map&#x27;, or convert it if its numbers are classes (Raster &gt; Conversion &gt; Translate, output type Byte).</source>
        <translation>O mapa {1} tem números decimais ({2}); esperavam-se números inteiros que representem classes. Escolha um mapa de classes, como o que &#x27;Mapa de cobertura do solo&#x27; cria, ou converta-o (Raster &gt; Converter &gt; Converter formato, tipo de saída Byte) se os números dele forem classes.</translation>
    </message>
    <message>
        <location filename="../engine/assess/class_raster.py"/>
        <source>{1} is an image (bands: {2}, {3}), but a class map has a single band of whole numbers that stand for classes. Choose the map that &#x27;Land-cover map&#x27; made from the image. To evaluate a model, give &#x27;Evaluate map&#x27; both the image and the model.</source>
        <translation>{1} é uma imagem (bandas: {2}, {3}); esperava-se um mapa de classes: uma banda de números inteiros que representem classes. Escolha o mapa que &#x27;Mapa de cobertura do solo&#x27; cria a partir da imagem. Para avaliar um modelo, dê a &#x27;Avaliar mapa&#x27; a imagem e o modelo.</translation>
    </message>
    <message>
        <location filename="../engine/assess/class_raster.py"/>
        <source>Counting the map&#x27;s classes</source>
        <translation>Contando as classes do mapa</translation>
    </message>
    <message>
        <location filename="../engine/assess/class_raster.py"/>
        <source>The map {1} has more than {2} different values, so it does not look like a class map. Choose a class map, such as one made with &#x27;Land-cover map&#x27;.</source>
        <translation>O mapa {1} tem mais de {2} valores diferentes; esperavam-se classes. Escolha um mapa de classes, como o que &#x27;Mapa de cobertura do solo&#x27; cria.</translation>
    </message>
    <message>
        <location filename="../engine/assess/class_raster.py"/>
        <source>. Choose a class map.</source>
        <translation>. Escolha um mapa de classes.</translation>
    </message>
    <message>
        <location filename="../engine/assess/class_raster.py"/>
        <source>Reading the map at the reference locations</source>
        <translation>Lendo o mapa nas referências</translation>
    </message>
    <message>
        <location filename="../engine/assess/comparison.py"/>
        <source>{1} has several bands, as an image does. Its first band was evaluated as a class map. If it is an image, choose the map made from it, or also choose a model.</source>
        <translation>{1} tem várias bandas, como uma imagem; a primeira foi avaliada como mapa de classes. Se for uma imagem, escolha o mapa feito a partir dela, ou também um modelo.</translation>
    </message>
    <message>
        <location filename="../engine/assess/comparison.py"/>
        <source>The map has no class at any of the {1} references {2}: it has no data there. Choose references within the mapped area, or another map.</source>
        <translation>O mapa não tem nenhuma classe sob qualquer das {1} referências {2}: ali ele não tem dados. Escolha referências na parte mapeada ou outro mapa.</translation>
    </message>
    <message>
        <location filename="../engine/assess/comparison.py"/>
        <source>These classes of the references are not in the map: {1}. Their {2} reference samples count as errors. If the map has such a class under a different name, use the same name in both. If the true class is not known, leave the field empty.</source>
        <translation>O mapa não tem classe para {1}: {2} amostras de referência contam como erros. Se for uma das classes do mapa, dê o mesmo nome a ambas; onde a verdade não é conhecida, deixe-a vazia.</translation>
    </message>
    <message>
        <location filename="../engine/assess/comparison.py"/>
        <source>These values of the references are not classes of the map and were treated as not labelled: {1}. Their {2} reference samples are left out.</source>
        <translation>O mapa não tem classe para {1}: {2} amostras de referência foram tomadas como não rotuladas e deixadas de fora.</translation>
    </message>
    <message>
        <location filename="../engine/assess/comparison.py"/>
        <source>{1} of {2} reference samples lie where the map has no data. They are left out.</source>
        <translation>{1} de {2} amostras de referência estão onde o mapa não tem dados; são deixadas de fora.</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>Done</source>
        <translation>Concluído</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>The references {1} are {2}, but the design &#x27;stratified&#x27; needs points drawn at random from each class of the map. Draw them with &#x27;sample&#x27;, or choose the design &#x27;simple&#x27;.</source>
        <translation>As referências {1} são {2}; para o desenho &#x27;stratified&#x27; (estratificado), esperavam-se pontos sorteados ao acaso de cada classe do mapa. Sorteie-os com &#x27;sample&#x27; ou escolha o desenho &#x27;simple&#x27; (simples).</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>Neighbouring pixels are not independent, so the intervals are based on the {1} reference areas, not on the {2} pixels. For figures that apply to the whole map, draw a stratified random sample.</source>
        <translation>Pixels vizinhos não são independentes: os intervalos são sobre as {1} áreas de referência, não sobre os {2} pixels. Para números válidos para todo o mapa, sorteie uma amostra aleatória estratificada.</translation>
    </message>
    <message>
        <location filename="../engine/assess/evaluate.py"/>
        <source>With only {1} reference areas, the intervals are wide and approximate.</source>
        <translation>{1} áreas de referência são poucas: os intervalos são largos e eles próprios aproximados.</translation>
    </message>
    <message>
        <location filename="../engine/assess/judgement.py"/>
        <source>{1} of {2} points lie on a different class of this map than the one they were drawn from, so the sample was drawn from another map. Its strata were used with their weights (Stehman 2014), assuming that both maps cover the same area.</source>
        <translation>{1} de {2} pontos estão em outra classe deste mapa que não aquela de que foram sorteados: a amostra é de outro mapa. Os estratos dela foram usados com os seus pesos (Stehman 2014), supondo que ambos os mapas cobrem o mesmo terreno.</translation>
    </message>
    <message>
        <location filename="../engine/assess/judgement.py"/>
        <source>No points were labelled in {1} ({2} of the map). The area-adjusted figures apply only to the rest of the map. Label points in these classes.</source>
        <translation>Nenhum ponto foi rotulado em {1}, {2} do mapa: os números ajustados pela área valem para o resto. Rotule pontos ali.</translation>
    </message>
    <message>
        <location filename="../engine/assess/judgement.py"/>
        <source>Only one point was labelled in {1}. Intervals that need its variance are missing.</source>
        <translation>Só um ponto foi rotulado em {1}: faltam os intervalos que precisam da variância dele.</translation>
    </message>
    <message>
        <location filename="../engine/assess/matching.py"/>
        <source>None of the classes of the references {1} is a class of the map. The references have {2}; the map has {3}. Choose the field whose values are the map&#x27;s classes, by name or by value, or rename the classes.</source>
        <translation>Nenhuma classe das referências {1} é uma classe do mapa. As referências têm {2}; o mapa tem {3}. Escolha o campo cujos valores são as classes do mapa, pelo nome ou pelo valor, ou renomeie as classes.</translation>
    </message>
    <message>
        <location filename="../engine/assess/matching.py"/>
        <source>Classes were matched by value, although their names differ: {1}. If this is wrong, use the same names in both.</source>
        <translation>As classes foram associadas pelo valor, embora os nomes sejam diferentes: {1}. Dê-lhes os mesmos nomes se isso estiver errado.</translation>
    </message>
    <message>
        <location filename="../engine/assess/references.py"/>
        <source>The references {1} have the fields &#x27;{2}&#x27; and &#x27;{3}&#x27; of a drawn sample, but some points lack one of them. The strata cannot be used, and the figures may not apply to the whole map. Remove points that were not drawn, or fill in both fields.</source>
        <translation>As referências {1} têm os campos &#x27;{2}&#x27; e &#x27;{3}&#x27; de uma amostra sorteada, mas nem todos os pontos têm ambos: os seus estratos não podem ser usados, e os números podem não valer para o mapa inteiro. Remova os pontos que não foram sorteados, ou preencha ambos os campos.</translation>
    </message>
    <message>
        <location filename="../engine/assess/sample.py"/>
        <source>{1} points: {2}</source>
        <translation>{1} pontos: {2}</translation>
    </message>
    <message>
        <location filename="../engine/assess/sample.py"/>
        <source>Fill in the field &#x27;{1}&#x27; with the true class of each point, by name or value, starting with the first point. Then evaluate the map with these points.</source>
        <translation>Preencha o campo &#x27;{1}&#x27; com a classe verdadeira de cada ponto, pelo nome ou pelo valor, a partir do primeiro; depois avalie o mapa com eles.</translation>
    </message>
    <message>
        <location filename="../engine/assess/sample.py"/>
        <source>The class {1} has only {2} pixels, fewer than the {3} points required for each class. All of them are used.</source>
        <translation>A classe {1} tem só {2} pixels, menos que os {3} pontos desejados de cada classe: são usados todos.</translation>
    </message>
    <message>
        <location filename="../engine/assess/sample.py"/>
        <source>The class {1} has {2} point, so there will be no interval for its accuracy. Use more points, or a larger minimum.</source>
        <translation>A classe {1} recebe {2} ponto: a exatidão dela não terá intervalo. Peça mais pontos ou um mínimo maior.</translation>
    </message>
    <message>
        <location filename="../engine/assess/sample.py"/>
        <source>{1} points are drawn instead of {2}, because each class needs its minimum number of points.</source>
        <translation>São sorteados {1} pontos em vez de {2}: cada classe precisa do seu mínimo.</translation>
    </message>
    <message>
        <location filename="../engine/assess/sample.py"/>
        <source>Drawing points</source>
        <translation>Sorteando pontos</translation>
    </message>
    <message>
        <location filename="../engine/assess/stratified.py"/>
        <source>Every stratum with an area needs at least one point.</source>
        <translation>Cada estrato com uma área precisa de um ponto, e deve haver pelo menos um estrato.</translation>
    </message>
    <message>
        <location filename="../engine/assess/training_labels.py"/>
        <source>{1} of {2} references are labels that the model was trained on, so the accuracy is too high. Use references that were not used for training.</source>
        <translation>{1} de {2} referências são rótulos com os quais o modelo foi treinado, por isso a exatidão é alta demais. Use referências que não foram usadas no treinamento.</translation>
    </message>
    <message>
        <location filename="../engine/band_identity.py"/>
        <source>the names are only band numbers</source>
        <translation>os nomes apenas numeram as bandas</translation>
    </message>
    <message>
        <location filename="../engine/band_identity.py"/>
        <source>the SR_ names do not indicate which Landsat satellite it is</source>
        <translation>os nomes SR_ não dizem qual Landsat é</translation>
    </message>
    <message>
        <location filename="../engine/band_identity.py"/>
        <source>the names could be those of Sentinel-2 or Landsat</source>
        <translation>os nomes podem ser do Sentinel-2 ou do Landsat</translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>{1}. The model needs {2}, but these were not found: {3}. </source>
        <translation>{1}. O modelo precisa de {2}; não encontrado: {3}. </translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>The raster has only one band, {1}</source>
        <translation>O raster tem uma só banda, {1}</translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>The raster has {1} bands with neither names nor wavelengths</source>
        <translation>As {1} bandas do raster não têm nomes nem comprimentos de onda</translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>The raster has {1} bands: {2}</source>
        <translation>As {1} bandas do raster são {2}</translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>At least {1} bands are needed in one raster. If this is a file of a satellite product (Sentinel-2, Landsat, HLS), &#x27;Open satellite product&#x27; makes one raster of all its bands. Otherwise stack band files with Raster &gt; Miscellaneous &gt; Build Virtual Raster, each file as a separate band.</source>
        <translation>São necessárias pelo menos {1} bandas em um raster. Se este arquivo for de um produto de satélite (Sentinel-2, Landsat, HLS), &#x27;Abrir produto de satélite&#x27; reúne todas as suas bandas em um raster. Caso contrário, empilhe os arquivos de bandas com Raster &gt; Miscelânea &gt; Construir raster virtual, cada arquivo em uma banda separada.</translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>At least {1} bands are needed. Use a raster with all of them, or another model.</source>
        <translation>São necessárias pelo menos {1} bandas: use um raster com todas elas ou outro modelo.</translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source>Give the bands descriptions such as B02, or specify the raster&#x27;s band numbers in BANDS, in the order of the model.</source>
        <translation>Dê às bandas descrições como B02 ou digite em BANDS os números de banda do raster na ordem do modelo.</translation>
    </message>
    <message>
        <location filename="../engine/band_refusal.py"/>
        <source> If the order is {1} ({2}), set BANDS to {3}.</source>
        <translation> Se a ordem for {1} ({2}), BANDS é {3}.</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>BANDS contains band {1}, but the raster&#x27;s bands are {2}. Band numbers start at 1, and an alpha band cannot be used.</source>
        <translation>BANDS cita a banda {1}, mas as bandas do raster são {2}. Os números de banda contam a partir de 1, e uma banda alfa não pode ser usada.</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>not in BANDS</source>
        <translation>não está em BANDS</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>BANDS contains raster band {1} twice, for {2} and for {3}. Each band of the model needs a different raster band.</source>
        <translation>BANDS dá a banda {1} do raster duas vezes, para {2} e para {3}. Cada banda do modelo precisa de uma banda própria do raster.</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>position {1} in BANDS</source>
        <translation>BANDS, posição {1}</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>BANDS has {1} numbers, but the model needs {2} ({3}){4}. Specify one raster band number for each, in this order.</source>
        <translation>BANDS tem {1} números, mas o modelo precisa de {2} ({3}){4}. Dê um número de banda do raster para cada uma, nesta ordem.</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>used in place of {1}</source>
        <translation>substitui {1}</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>not found</source>
        <translation>não encontrada</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>name {1}</source>
        <translation>nome {1}</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>Several raster bands ({1}) match the model&#x27;s {2}: {3}. Specify with BANDS which one to use.</source>
        <translation>As bandas {1} do raster poderiam todas ser {2} do modelo: {3}. Diga qual usar com BANDS.</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>wavelength {1} nm</source>
        <translation>comprimento de onda {1} nm</translation>
    </message>
    <message>
        <location filename="../engine/bands.py"/>
        <source>left out: no {1}</source>
        <translation>omitida: falta {1}</translation>
    </message>
    <message>
        <location filename="../engine/card_editing.py"/>
        <source>&#x27;{1}&#x27; is not a SpectralGPT model, or it is damaged. Copy the file again.</source>
        <translation>&#x27;{1}&#x27; não é um modelo do SpectralGPT ou está danificado. Copie o arquivo de novo.</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>The model card cannot be read: it was not written by this version of SpectralGPT. Import the model again, or update the plugin.</source>
        <translation>A ficha do modelo não pode ser lida: não foi escrita por esta versão do SpectralGPT. Importe o modelo de novo ou atualize o complemento.</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>The model card specifies the task &#x27;{1}&#x27;, but only these are supported: {2}. Update the plugin.</source>
        <translation>A ficha do modelo cita a tarefa &#x27;{1}&#x27;; esperava-se uma destas: {2}. Atualize o complemento.</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>The card of the model &#x27;{1}&#x27; is invalid: {2}. Copy the file again, or create or import the model again.</source>
        <translation>A ficha do modelo &#x27;{1}&#x27; não pode estar certa: {2}. Copie o arquivo de novo, ou crie ou importe o modelo outra vez.</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>one of its names or descriptions is not text</source>
        <translation>um de seus nomes ou descrições não é texto</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>its threshold, architecture, training or accuracy is not a table</source>
        <translation>seu limiar, arquitetura, treinamento ou acurácia não é uma tabela</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>its classes have the values {1}, but different values from 0 to {2} are expected</source>
        <translation>suas classes têm os valores {1}; esperam-se valores diferentes de 0 a {2}</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>one of its classes has the no-data value {1}</source>
        <translation>uma de suas classes tem o valor sem dados, {1}</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>a class has the colour &#x27;{1}&#x27;, but a colour such as #1f78b4 is expected</source>
        <translation>uma classe tem a cor &#x27;{1}&#x27;; espera-se uma como #1f78b4</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>it has no bands, or one whose wavelength is not a number</source>
        <translation>não tem bandas, ou tem alguma cujo comprimento de onda não é um número</translation>
    </message>
    <message>
        <location filename="../engine/cards.py"/>
        <source>its window size, its number of bands in a group or its number of pixels is not positive</source>
        <translation>o lado de sua janela, suas bandas por grupo ou seus pixels não são maiores que 0</translation>
    </message>
    <message>
        <location filename="../engine/checkpoint.py"/>
        <source>&#x27;{1}&#x27; has no weights to train from: a .safetensors model is needed. An .onnx model can only predict. Choose the model it was exported from.</source>
        <translation>&#x27;{1}&#x27; não contém pesos para treinar: esperava-se um modelo .safetensors. Um modelo .onnx só faz predições; escolha o modelo do qual ele foi exportado.</translation>
    </message>
    <message>
        <location filename="../engine/checkpoint.py"/>
        <source>The weights in &#x27;{1}&#x27; cannot be read. Copy the file again.</source>
        <translation>Os pesos em &#x27;{1}&#x27; não podem ser lidos. Copie o arquivo de novo.</translation>
    </message>
    <message>
        <location filename="../engine/checkpoint.py"/>
        <source>The weights in &#x27;{1}&#x27; do not match the network described in its card: {2} weights are missing, unexpected or of a different shape ({3}). Train or import the model again.</source>
        <translation>Os pesos em &#x27;{1}&#x27; não servem para a rede que a ficha descreve: {2} faltam, sobram ou têm outra forma ({3}). Treine ou importe o modelo de novo.</translation>
    </message>
    <message>
        <location filename="../engine/data/atlas.py"/>
        <source>The images have no valid pixels to train on. Check their no-data values.</source>
        <translation>As imagens não têm nenhum pixel válido para treinar. Verifique os valores sem dados.</translation>
    </message>
    <message>
        <location filename="../engine/data/blocks.py"/>
        <source>No labels could be held back, so the accuracy of the model cannot be assessed. At least two classes must each be labelled in two places that are more than {1} pixels apart and not connected by other labels. Label a second place for {2}{3}.</source>
        <translation>Nenhum rótulo é reservado; por isso o modelo não pode ser avaliado: para avaliar pelo menos duas classes, cada uma precisa de rótulos em dois locais a mais de {1} pixels um do outro, não ligados por rótulos entre eles. Desenhe um segundo local para {2}{3}.</translation>
    </message>
    <message>
        <location filename="../engine/data/blocks.py"/>
        <source>The accuracy of these classes cannot be assessed: {1}. All labels of each of them lie in one place (closer than {2} pixels to each other) or only next to labels that are needed for training. Label a second place for each class, further away.</source>
        <translation>{1}: não é possível avaliar. Todos os rótulos de tal classe estão em um só local, a menos de {2} pixels uns dos outros, ou só ao lado de rótulos necessários para aprender. Desenhe um segundo local para cada uma, mais longe.</translation>
    </message>
    <message>
        <location filename="../engine/data/blocks.py"/>
        <source>The labels lie in {1} separate places (more than {2} pixels apart), but at least {3} are needed, one for each part. Label more places, or use fewer parts.</source>
        <translation>Os rótulos estão em {1} locais a mais de {2} pixels uns dos outros; esperavam-se pelo menos {3}, um para cada parte. Desenhe rótulos em mais locais ou peça menos partes.</translation>
    </message>
    <message>
        <location filename="../engine/data/blocks.py"/>
        <source>The labels lie too close together to hold back whole places more than {1} pixels apart. They were divided into squares of {2} pixels instead, and {3} labelled pixels between the training and the validation squares are not used.</source>
        <translation>Os rótulos estão próximos demais para serem reservados por locais a mais de {1} pixels uns dos outros: foram cortados em quadrados de {2} pixels, e {3} pixels rotulados entre os de aprender e os de avaliar não são usados.</translation>
    </message>
    <message>
        <location filename="../engine/data/grid.py"/>
        <source>The extent {1} has no area: xmin must be smaller than xmax, and ymin smaller than ymax. Draw it again, or leave it empty to process the whole raster.</source>
        <translation>A extensão {1} não tem área: é preciso xmin &lt; xmax e ymin &lt; ymax. Desenhe-a de novo ou deixe vazio para processar o raster inteiro.</translation>
    </message>
    <message>
        <location filename="../engine/data/grid.py"/>
        <source>The extent {1} cannot be transformed to the raster&#x27;s CRS ({2}). Specify it in the raster&#x27;s CRS.</source>
        <translation>A extensão {1} não pode ser convertida para o SRC do raster ({2}). Dê-a no SRC do raster.</translation>
    </message>
    <message>
        <location filename="../engine/data/grid.py"/>
        <source>The extent {1} does not intersect the raster, whose bounds are {2} in {3}. Choose an extent within the raster, or check the CRS of the extent.</source>
        <translation>A extensão {1} não toca o raster, cujos limites são {2} em {3}. Escolha uma extensão sobre o raster ou verifique o SRC da extensão.</translation>
    </message>
    <message>
        <location filename="../engine/data/imagery.py"/>
        <source>The folder {1} contains no raster with one of the file extensions {2}. Choose another folder, or add the rasters one by one.</source>
        <translation>A pasta {1} não contém nenhum raster que termine em {2}. Escolha outra pasta ou dê os rasters um a um.</translation>
    </message>
    <message>
        <location filename="../engine/data/imagery.py"/>
        <source>No imagery was specified. Choose the rasters or folders to learn from.</source>
        <translation>Nenhuma imagem foi dada. Escolha rasters ou pastas com que aprender.</translation>
    </message>
    <message>
        <location filename="../engine/data/imagery.py"/>
        <source>Checking raster {1} of {2}</source>
        <translation>Examinando o raster {1} de {2}</translation>
    </message>
    <message>
        <location filename="../engine/data/imagery.py"/>
        <source>Skipped: {1}. {2}</source>
        <translation>Deixado de fora: {1}. {2}</translation>
    </message>
    <message>
        <location filename="../engine/data/imagery.py"/>
        <source>None of the {1} rasters is suitable for the model. {2} Choose rasters that have the model&#x27;s bands.</source>
        <translation>Nenhum dos {1} rasters serve para o modelo. {2} Escolha rasters com as bandas do modelo.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_classes.py"/>
        <source>The {1} has only one class ({2}), but at least {3} are needed. Also label areas that do not belong to this class, for instance as &#x27;other&#x27;.</source>
        <translation>Só há uma classe ({2}) em: {1}; esperavam-se pelo menos {3}. Rotule também o que não é desta classe, por exemplo como &#x27;outros&#x27;.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_classes.py"/>
        <source>The {1} has {2} classes ({3}), but at most {4} are possible. Choose the field that holds the class rather than an ID of the features, or merge classes.</source>
        <translation>Há {2} classes ({3}) em: {1}; esperavam-se no máximo {4}. Escolha o campo da classe, não um que numere as feições, ou junte classes.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_classes.py"/>
        <source>The classes {1} differ only in upper and lower case. They are treated as different classes.</source>
        <translation>As classes {1} diferem só em maiúsculas; são tomadas como diferentes.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_classes.py"/>
        <source>The class &#x27;{1}&#x27; has the colour &#x27;{2}&#x27;, but a colour must be specified as #rrggbb, for instance #1f78b4.</source>
        <translation>À classe &#x27;{1}&#x27; foi dada a cor &#x27;{2}&#x27;; esperavam-se vermelho, verde e azul como #rrggbb, por exemplo #1f78b4.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_classes.py"/>
        <source>The class names and colours were specified as {1}, but a JSON list such as [{{&quot;label&quot;: &quot;water&quot;, &quot;title&quot;: &quot;Water&quot;, &quot;color&quot;: &quot;#1f78b4&quot;}}] is expected. Correct it, or leave it empty.</source>
        <translation>A aparência das classes foi dada como {1}; esperava-se uma lista JSON como [{{&quot;label&quot;: &quot;water&quot;, &quot;title&quot;: &quot;Água&quot;, &quot;color&quot;: &quot;#1f78b4&quot;}}]. Corrija-a ou deixe vazio.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>{1} contains lists, but one class is expected for each feature. Choose a field with text or whole numbers, or allow several labels per scene.</source>
        <translation>{1} contém listas; esperava-se uma classe para cada feição. Escolha um campo de texto ou números inteiros, ou permita vários rótulos para uma cena.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>{1} contains decimal numbers. As all of them are whole, they are used as classes.</source>
        <translation>{1} contém números decimais; como todos são inteiros, são classes.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>{1} contains {2}, but classes must be text or whole numbers. Choose another field: {3}.</source>
        <translation>{1} contém {2}; esperavam-se classes como texto ou números inteiros. Escolha outro dos campos: {3}.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>{1} is empty in all {2} features, but it must contain the class of each feature. Fill it in, or choose another field.</source>
        <translation>{1} está vazio em todas as {2} feições; esperava-se a classe de cada uma. Preencha-o ou escolha outro campo.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>The {1} {2} {3}: {4}. </source>
        <translation>{1} {2} {3}: {4}. </translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>Choose one of them.</source>
        <translation>Escolha um deles.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>Add a field of text or whole numbers, and fill it in.</source>
        <translation>Adicione um de texto ou números inteiros e preencha-o.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_fields.py"/>
        <source>{1} contains decimal numbers such as {2}, but classes must be text or whole numbers. Choose another field, or convert the numbers to classes with the field calculator.</source>
        <translation>{1} contém números decimais como {2}; esperavam-se classes como texto ou números inteiros. Escolha outro campo ou transforme os números em classes com a calculadora de campo.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>The {1} {2} assign several labels to the same place, but each pixel can have only one. Choose a field with one class, or train on scenes.</source>
        <translation>{1} {2}: há vários rótulos para um local; esperava-se um para cada pixel. Escolha um campo com uma só classe ou treine com cenas.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>The {1} {2} do not cover any valid pixel of the raster: they only touch its edge, or the raster has no data there. Draw labels on the raster.</source>
        <translation>{1} {2}: não resta nenhum pixel rotulado no raster. Só tocam a borda dele, ou ali não há dados. Desenhe rótulos sobre o raster.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>The {1} {2} cover {3} pixels. A random {4} of them were used, including all pixels of small classes.</source>
        <translation>{1} {2}: {3} pixels rotulados; {4} deles foram sorteados ao acaso; das classes pequenas, todos.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>The {1} {2} are a class raster, but scenes need polygons or points with a class field. Choose a vector layer, or train a segmentation model.</source>
        <translation>{1} {2}: é um raster de classes; para cenas, esperavam-se polígonos ou pontos com um campo de classe. Escolha uma camada vetorial ou treine segmentação.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>{1} of {2} scenes of the {3} {4} were drawn twice with different classes, such as {5}, but a scene can have only one class. Correct the features with these IDs, or tick &#x27;A scene may have several labels&#x27; and give one feature all of its labels, separated by semicolons.</source>
        <translation>{1} de {2} cenas de {3} {4} estão desenhadas duas vezes com classes diferentes, como {5}; esperava-se uma classe para cada cena. Corrija estas feições (ids das feições), ou marque &#x27;Uma cena pode ter vários rótulos&#x27; e dê a uma só feição todos os seus rótulos, separados por ponto e vírgula.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>{1} of {2} scenes of the {3} {4} were drawn twice with different classes, such as {5}. None of them is used for training. Correct the features with these IDs.</source>
        <translation>{1} de {2} cenas de {3} {4} estão desenhadas duas vezes com classes diferentes, como {5}; nenhuma delas é usada na aprendizagem. Corrija estas feições (ids das feições).</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>{1}, but each pixel can have only one class. Correct the features with these IDs, or remove the overlap with the tool &#x27;Difference&#x27;.</source>
        <translation>{1}; esperava-se uma classe para cada pixel. Corrija estas feições (ids das feições) ou recorte uma da outra com Diferença.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_layer.py"/>
        <source>{1}. These pixels are ignored.</source>
        <translation>{1}; estes pixels são ignorados.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>{1} contains decimal numbers such as {2}, but the values of a class raster must be whole numbers. Choose another raster, or convert the numbers to classes (Reclassify by Table in QGIS).</source>
        <translation>{1} contém números decimais como {2}; esperava-se um raster cujos valores são classes. Escolha outro raster ou transforme os números em classes (Reclassificar por tabela no QGIS).</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>{1} has more than {2} different values, so it does not look like a class raster. Choose the class raster, not the image.</source>
        <translation>{1} tem mais de {2} valores diferentes; esperava-se um raster cujos valores são classes. Escolha o raster de classes, não a imagem.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>{1} has no labelled pixels: all of them are no-data ({2}). Choose another raster, or correct its no-data value.</source>
        <translation>{1} não tem nenhum pixel rotulado: todos são sem dados ({2}). Escolha outro raster ou corrija o valor sem dados.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>{1} has {2} bands. The first one is used as the class band.</source>
        <translation>{1} tem {2} bandas; a primeira contém as classes.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>{1} has no no-data value, so the value {2} was treated as a class with {3} pixels. If it means &#x27;not labelled&#x27;, set it as the no-data value of the file (gdal_edit.py -a_nodata {4}).</source>
        <translation>{1}: não declara nenhum valor sem dados, por isso o seu {2} foi tomado como uma classe, de {3} pixels. Se ele representa o que não está rotulado, defina-o como sem dados no arquivo (gdal_edit.py -a_nodata {4}).</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>The {1} raster {2} and the image do not overlap: bounds {3}, those of the image {4}. Choose labels within the image, or check the CRS of both layers.</source>
        <translation>{1} {2}: fica fora do raster. Os limites são {3}, os do raster {4}. Escolha rótulos sobre o raster ou verifique o SRC das duas camadas.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>The {1} raster {2} is not georeferenced. As it has the same size as the image, {3} x {4} pixels, it is aligned with it pixel by pixel.</source>
        <translation>{1} {2}: não tem georreferência; como tem o tamanho do raster, {3} x {4} pixels, é posto sobre ele pixel a pixel.</translation>
    </message>
    <message>
        <location filename="../engine/data/label_raster.py"/>
        <source>The {1} raster {2} has no CRS. The CRS of the image is assumed.</source>
        <translation>{1} {2}: não tem SRC; supõe-se que seja o do raster.</translation>
    </message>
    <message>
        <location filename="../engine/data/labels.py"/>
        <source>The {1} {2} are a class raster, which has one label for each pixel. For several labels per scene, choose a vector layer.</source>
        <translation>{1} {2}: é um raster de classes, que tem um rótulo para cada pixel. Para vários rótulos por cena, escolha uma camada vetorial.</translation>
    </message>
    <message>
        <location filename="../engine/data/labels.py"/>
        <source>The {1} file {2} can be read neither as a vector layer nor as a raster. Check whether it opens in QGIS, and export it again as GeoPackage or GeoTIFF.</source>
        <translation>O arquivo {2} ({1}) não pode ser lido nem como camada vetorial nem como raster. Abra-o no QGIS para ver e exporte-o de novo, como GeoPackage ou GeoTIFF.</translation>
    </message>
    <message>
        <location filename="../engine/data/labels.py"/>
        <source>{1} features of the {2} {3} are neither polygons nor points. They are ignored.</source>
        <translation>{1} feições de {2} {3} não são polígonos nem pontos; são ignoradas.</translation>
    </message>
    <message>
        <location filename="../engine/data/labels.py"/>
        <source>{1} of {2} features of the {3} {4} have no class in the field &#x27;{5}&#x27;. They are ignored.</source>
        <translation>{1} de {2} feições de {3} {4} não têm classe no campo &#x27;{5}&#x27;; são ignoradas.</translation>
    </message>
    <message>
        <location filename="../engine/data/lazy_patches.py"/>
        <source>No patch with valid pixels was found in {1} attempts: the imagery is almost entirely no-data. Clip the rasters to the area with data, or check their no-data values.</source>
        <translation>Nenhum recorte com pixels válidos foi encontrado em {1} sorteios: as imagens são quase todas sem dados. Recorte os rasters pelos dados deles ou verifique os valores sem dados.</translation>
    </message>
    <message>
        <location filename="../engine/data/lazy_patches.py"/>
        <source>Apart from the area held back for validation, the raster {1} has no room for a training window. Use larger rasters, or more of them.</source>
        <translation>O raster {1} não tem espaço além do que é reservado para avaliar. Dê rasters maiores ou mais rasters.</translation>
    </message>
    <message>
        <location filename="../engine/data/nodata.py"/>
        <source>no-data value {1}</source>
        <translation>valor sem dados {1}</translation>
    </message>
    <message>
        <location filename="../engine/data/nodata.py"/>
        <source>additional no-data {1}</source>
        <translation>valor sem dados adicional {1}</translation>
    </message>
    <message>
        <location filename="../engine/data/nodata.py"/>
        <source>pixels with 0 in all bands used are treated as no-data, as the file declares no no-data value</source>
        <translation>0 em todas as bandas usadas conta como sem dados, pois o arquivo não declara nenhum</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>No raster was specified. Choose a raster file.</source>
        <translation>Nenhum raster foi dado. Escolha um arquivo raster.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} does not exist. Check the path, and that the drive is connected.</source>
        <translation>O raster {1} não existe. Verifique o caminho e se a unidade dele está montada.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>{1} is a folder, not a raster. If it is a satellite product (Sentinel-2, Landsat, HLS), open it with &#x27;Open satellite product&#x27; first. Otherwise choose a raster file, or stack band files with Raster &gt; Miscellaneous &gt; Build Virtual Raster, each file as a separate band.</source>
        <translation>{1} é uma pasta, não um raster. Se for um produto de satélite (Sentinel-2, Landsat, HLS), abra-o primeiro com &#x27;Abrir produto de satélite&#x27;. Caso contrário, escolha um arquivo raster, ou empilhe os arquivos de bandas com Raster &gt; Miscelânea &gt; Construir raster virtual, cada arquivo em uma banda separada.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} is an empty file. Download or export it again.</source>
        <translation>O raster {1} é um arquivo vazio. Baixe ou exporte-o de novo.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>{1} is an archive, not a raster. If it is a satellite product (Sentinel-2, Landsat), open it with &#x27;Open satellite product&#x27; first. Otherwise unpack it, or give the raster inside it as {2}{3}/NAME.tif.</source>
        <translation>{1} é um pacote compactado, não um raster. Se for um produto de satélite (Sentinel-2, Landsat), abra-o primeiro com &#x27;Abrir produto de satélite&#x27;. Caso contrário, descompacte-o, ou indique o raster dentro dele como {2}{3}/NAME.tif.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source> It has ground control points or RPCs: warp it first (Raster &gt; Projections &gt; Warp).</source>
        <translation> Ele tem pontos de controle no terreno ou RPCs: reprojete-o antes (Raster &gt; Projeções).</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} has no coordinate reference system.{2} Assign the correct one in QGIS with Raster &gt; Projections &gt; Assign Projection, or specify it as the CRS.</source>
        <translation>O raster {1} não tem sistema de referência de coordenadas.{2} Atribua o certo no QGIS com Raster &gt; Projeções &gt; Definir projeção, ou dê-o como CRS.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} has no geotransform, so its location and pixel size are unknown. Georeference it in QGIS (Layer &gt; Georeferencer), or specify a CRS to work in pixel coordinates.</source>
        <translation>O raster {1} não tem geotransformação; por isso a posição e o tamanho do pixel são desconhecidos. Georreferencie-o no QGIS (Camada &gt; Georreferenciador) ou dê o SRC explicitamente para trabalhar em coordenadas de pixel.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} is positioned by ground control points or RPCs, which do not form a regular pixel grid. Warp it in QGIS first (Raster &gt; Projections &gt; Warp), and use the result.</source>
        <translation>O raster {1} é posicionado por pontos de controle ou RPCs, que não formam uma grade de pixels. Reprojete-o primeiro no QGIS (Raster &gt; Projeções &gt; Reprojetar) e indique o resultado.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The geotransform of the raster {1} gives its pixels no area. Georeference it again.</source>
        <translation>O raster {1} tem uma geotransformação cujos pixels não têm área. Georreferencie-o de novo.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>&#x27;{1}&#x27; is not a coordinate reference system. Specify a code such as EPSG:32631.</source>
        <translation>&#x27;{1}&#x27; não é um sistema de referência de coordenadas. Dê um código como EPSG:32631.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>It is the address of a service, not of a raster file. Add the service to QGIS as a layer with measured values (WCS) and choose that layer, or download the area as a GeoTIFF.</source>
        <translation>É o endereço de um serviço, não de um arquivo raster. Adicione o serviço ao QGIS como camada com valores medidos (WCS) e escolha essa camada, ou baixe a área como GeoTIFF.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The file is on a remote server: check the address, the network and your access rights. The server must support reading parts of a file (HTTP range requests). If it does not, download the file first.</source>
        <translation>Ele vem de outro computador: verifique o endereço, a rede e se você tem permissão de leitura. O servidor precisa enviar partes de um arquivo (requisições HTTP por intervalos); se não enviar, baixe primeiro o arquivo.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The file may be damaged or incomplete. Check whether it opens in QGIS, and copy, download or export it again.</source>
        <translation>O arquivo pode estar danificado ou incompleto: abra-o no QGIS para ver e copie, baixe ou exporte-o de novo.</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} seems to be stored channels-last: {2} pages of {3} x {4} pixels, that is, an image of {5} rows whose bands were stored as columns. Save it again with the bands first (shape {6}, {7}, {8}; in Python: numpy.moveaxis(image, -1, 0)).</source>
        <translation>O raster {1} parece ter os canais por último: {2} páginas de {3} x {4} pixels, o que é uma imagem de {5} linhas cujas bandas foram guardadas como colunas. Grave-o de novo com as bandas primeiro (forma {6}, {7}, {8}; em Python: numpy.moveaxis(image, -1, 0)).</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>If they are a satellite product (Sentinel-2, Landsat, HLS), open it with &#x27;Open satellite product&#x27; first. Otherwise choose one of them, or stack them (Raster &gt; Miscellaneous &gt; Build Virtual Raster).</source>
        <translation>Se forem um produto de satélite (Sentinel-2, Landsat, HLS), abra-o primeiro com &#x27;Abrir produto de satélite&#x27;. Caso contrário, escolha um deles, ou empilhe-os (Raster &gt; Miscelânea &gt; Construir raster virtual).</translation>
    </message>
    <message>
        <location filename="../engine/data/opening.py"/>
        <source>The raster {1} has complex values, as some radar products do. Convert it to real values first.</source>
        <translation>O raster {1} tem valores complexos (radar?). Converta-o antes para valores reais.</translation>
    </message>
    <message>
        <location filename="../engine/data/patches.py"/>
        <source>The images have different numbers of bands. Choose the same bands for each image.</source>
        <translation>As imagens têm números de bandas diferentes; esperava-se o mesmo em todas. Escolha as mesmas bandas para cada uma.</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>values unchanged</source>
        <translation>valores como no arquivo</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>The scales and offsets in the file are invalid, as a scale is 0 or a value is not a number. They were ignored. Set the correct ones (gdal_edit.py -scale 0.0001 -offset 0), or remove them (-scale 1 -offset 0).</source>
        <translation>As escalas e os deslocamentos próprios do arquivo não podem estar certos, pois uma escala é 0 ou algum deles não é um número: foram ignorados. Grave os corretos (gdal_edit.py -scale 0.0001 -offset 0), ou nenhum (-scale 1 -offset 0).</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1} with the scale {2} and offset {3} of the file</source>
        <translation>{1} com a escala {2} e o deslocamento {3} do próprio arquivo</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1} with the scales and offsets of the file</source>
        <translation>{1} com as escalas e os deslocamentos do próprio arquivo</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1} values / 255</source>
        <translation>valores {1} / 255</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>The raster has 8-bit values, which are usually stretched for display or uncalibrated. They were divided by 255 and treated as reflectance, so results may be poor. Use the original product if possible.</source>
        <translation>O raster tem valores de 8 bits, realçados para exibição ou não calibrados: foram tomados como reflectância após divisão por 255, e os resultados podem ser ruins. Use o produto original, se possível.</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1} values / 10000</source>
        <translation>valores {1} / 10000</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>After scaling, the raster&#x27;s values reach a reflectance of {1}, although about 0 to 1 is expected. Results may be wrong. Check the scale and offset of the file, or convert the values to reflectance (0 to 1) or reflectance x 10000.</source>
        <translation>Os valores do raster dão reflectâncias de até {1}, quando se esperam de 0 a cerca de 1: os resultados podem estar errados. Confira a escala e o deslocamento no arquivo, ou grave reflectância 0..1 ou reflectância x 10000.</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>After scaling, some of the raster&#x27;s values give an impossible reflectance of {1} ({2} in the file). They are probably no-data that the file does not declare, which would be mapped as land cover and distort the results around it. Set the value as additional no-data value of the layer, or in the file (gdal_edit.py -a_nodata).</source>
        <translation>Alguns valores do raster resultam em reflectâncias de {1}, que nenhum solo tem ({2} no arquivo): um valor sem dados que o arquivo não declara seria mapeado como solo e estragaria as janelas ao redor. Defina-o como valor sem dados adicional da camada, ou no arquivo (gdal_edit.py -a_nodata).</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1} values used as reflectance</source>
        <translation>valores {1} tomados como reflectância</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>which gives reflectance</source>
        <translation>que dão reflectância</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>The raster&#x27;s values reach {1}. They were treated as reflectance x 10000, but then even the brightest areas are dark. If the values are radiance, convert them to reflectance first.</source>
        <translation>Os valores do raster chegam a {1}: foram tomados como refletância x 10000, o que deixa escuros até os lugares mais claros. Se forem radiâncias, converta-as primeiro em refletância.</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1} values / 100</source>
        <translation>valores {1} / 100</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>The raster&#x27;s values reach {1}. They were treated as percent and divided by 100. If this is wrong, convert them to reflectance (0 to 1) or reflectance x 10000.</source>
        <translation>Os valores do raster chegam a {1}: foram tomados como porcentagem e divididos por 100. Se isso estiver errado, grave reflectância 0..1 ou reflectância x 10000.</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>uint16 {1} Level-1 top-of-atmosphere values</source>
        <translation>números uint16 de {1}, nível 1 (topo da atmosfera)</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>uint16 {1} Collection 2 surface reflectance values</source>
        <translation>números uint16 de {1}, reflectância de superfície da Collection 2</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>uint16 {1} values / 10000</source>
        <translation>números uint16 de {1} / 10000</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>{1}: assumed from the product name and the values, as the file declares no scale.</source>
        <translation>{1}: suposto pelo nome e pelos valores do produto, pois o arquivo não tem escala.</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>from the metadata</source>
        <translation>indicado nos metadados</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>processing baseline {1}</source>
        <translation>linha de base de processamento {1}</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>dark pixels show that the offset of {1} ({2}) has already been removed</source>
        <translation>pixels escuros mostram que o deslocamento de {1} ({2}) já foi removido</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>after removing the offset of {1} ({2})</source>
        <translation>após remover o deslocamento de {1} ({2})</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>The file has no dark pixels that would show whether its values include the offset of 1000 (0.1 in reflectance) of Sentinel-2 products since processing baseline 04.00. No offset was removed. If the values include it, subtract it first, or keep the product name in the file name.</source>
        <translation>Nenhum pixel escuro diz se os valores têm o deslocamento de 1000 (0.1 em reflectância) que os produtos Sentinel-2 trazem desde a linha de base de processamento 04.00; nenhum foi removido. Se o tiverem, subtraia-o antes ou mantenha o nome do produto no nome do arquivo.</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>after removing the offset of 1000 indicated by dark pixels</source>
        <translation>após remover o deslocamento de 1000 que pixels escuros mostram</translation>
    </message>
    <message>
        <location filename="../engine/data/scaling.py"/>
        <source>The darkest pixels of all bands have values of {1} or more (in units of 1/10000). The offset of 1000 of Sentinel-2 products since processing baseline 04.00 was therefore assumed and removed.</source>
        <translation>Os pixels mais escuros de todas as bandas estão em {1} ou acima (em unidades de 1/10000): supôs-se e removeu-se o deslocamento de 1000 que os produtos Sentinel-2 trazem desde a linha de base de processamento 04.00.</translation>
    </message>
    <message>
        <location filename="../engine/data/source.py"/>
        <source>The raster {1} does not overlap the first one: its bounds are {2}, those of the first one {3}. Choose two rasters of the same place, and check the CRS of both layers.</source>
        <translation>O raster {1} não se sobrepõe ao primeiro: os limites dele são {2}, os do primeiro {3}. Escolha dois rasters do mesmo local e verifique o SRC das duas camadas.</translation>
    </message>
    <message>
        <location filename="../engine/data/source.py"/>
        <source>The raster {1} has no valid pixels ({2}). Check its no-data value and the extent.</source>
        <translation>O raster {1} não tem nenhum pixel válido ({2}). Verifique o valor sem dados e a extensão.</translation>
    </message>
    <message>
        <location filename="../engine/data/vectors.py"/>
        <source>The {1} {2} and the raster do not overlap: bounds {3} in {4}, those of the raster {5} in {6}. Choose {7} within the raster, or check the CRS of both layers.</source>
        <translation>{1} {2}: fica fora do raster. Os limites são {3} em {4}, os do raster {5} em {6}. Escolha {7} sobre o raster ou verifique o SRC das duas camadas.</translation>
    </message>
    <message>
        <location filename="../engine/data/vectors.py"/>
        <source>The {1} file {2} does not exist. Choose a vector file with {3}.</source>
        <translation>O arquivo {2} ({1}) não existe. Escolha um arquivo vetorial com {3}.</translation>
    </message>
    <message>
        <location filename="../engine/data/vectors.py"/>
        <source>. Check whether it opens in QGIS, and export it again, for instance as GeoPackage.</source>
        <translation>. Abra-o no QGIS para ver e exporte-o de novo, por exemplo como GeoPackage.</translation>
    </message>
    <message>
        <location filename="../engine/data/vectors.py"/>
        <source>The {1} file {2} has no {3} (it has {4} features of type {5}). Choose a layer of {6}{7}.</source>
        <translation>O arquivo {2} ({1}) não tem {3} (tem {4} feições do tipo {5}). Escolha uma camada de {6}{7}.</translation>
    </message>
    <message>
        <location filename="../engine/data/vectors.py"/>
        <source>The {1} file {2} has several layers: {3}. Specify one of them, as in {4}|layername={5}.</source>
        <translation>O arquivo {2} ({1}) tem várias camadas: {3}. Diga qual, por exemplo {4}|layername={5}.</translation>
    </message>
    <message>
        <location filename="../engine/data/vectors.py"/>
        <source>The {1} file {2} has the CRS &#x27;{3}&#x27; and the raster &#x27;{4}&#x27;, and no transformation between them is known. Use a layer in the raster&#x27;s CRS, or set the CRS that the coordinates are actually in.</source>
        <translation>O arquivo ({1}) {2} está em &#x27;{3}&#x27; e o raster em &#x27;{4}&#x27;: não se conhece caminho de um para o outro. Forneça a camada no SRC do raster, ou defina o SRC em que suas coordenadas realmente estão.</translation>
    </message>
    <message>
        <location filename="../engine/describing.py"/>
        <source>Opening the raster</source>
        <translation>Abrindo o raster</translation>
    </message>
    <message>
        <location filename="../engine/describing.py"/>
        <source>Reading its values</source>
        <translation>Examinando os valores dele</translation>
    </message>
    <message>
        <location filename="../engine/describing.py"/>
        <source>Checking which models fit</source>
        <translation>Avaliando os modelos</translation>
    </message>
    <message>
        <location filename="../engine/device_check.py"/>
        <source>PyTorch {1} cannot find a usable GPU: it was built for the processor only, or the driver is missing or outdated.</source>
        <translation>O PyTorch {1} não encontra nenhuma GPU que possa usar: foi compilado só para o processador, ou o driver falta ou é antigo demais.</translation>
    </message>
    <message>
        <location filename="../engine/device_check.py"/>
        <source>A matrix product on the GPU differs from that of the processor by {1} of its size.</source>
        <translation>Um produto de matrizes na GPU difere do produto do processador em {1} da sua grandeza.</translation>
    </message>
    <message>
        <location filename="../engine/doctor.py"/>
        <source>These libraries of the engine do not work: {1}. Repair the engine (in QGIS: SpectralGPT &gt; Engine &gt; Repair).</source>
        <translation>Estas bibliotecas do motor não funcionam: {1}. Repare o motor (no QGIS: SpectralGPT &gt; Motor &gt; Reparar).</translation>
    </message>
    <message>
        <location filename="../engine/doctor.py"/>
        <source>processor and GPU</source>
        <translation>processador e GPU</translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>The model &#x27;{1}&#x27; standardises each scene by statistics of all its pixels, which Deepness does not compute, so its maps would differ. Export the model as plain ONNX.</source>
        <translation>O modelo &#x27;{1}&#x27; padroniza cada cena por estatísticas de todos os pixels dela, o que o Deepness não calcula: os mapas seriam diferentes. Exporte-o como ONNX simples.</translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>Writing the graph for Deepness</source>
        <translation>Gravando o grafo para o Deepness</translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>Comparing with the model</source>
        <translation>Comparando com o modelo</translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>The probabilities of the graph for Deepness differ from those of the model by up to {1}, but only {2} is acceptable. Export the model as plain ONNX, and please report the model&#x27;s card.</source>
        <translation>O grafo para o Deepness difere do modelo em {1} em uma probabilidade; aceita-se {2}. Exporte-o como ONNX simples e, por favor, relate a ficha do modelo.</translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>Writing the model</source>
        <translation>Gravando o modelo</translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>In Deepness, assign the bands in this order: {1}{2}.</source>
        <translation>No Deepness, associe as bandas nesta ordem: {1}{2}.</translation>
    </message>
    <message>
        <location filename="../engine/export/deepness.py"/>
        <source>In Deepness, values must be reflectance x {1} without an added offset. First subtract the offset of 1000 of Sentinel-2 products since processing baseline 04.00.</source>
        <translation>No Deepness, os valores devem ser reflectância x {1}, sem deslocamento somado: subtraia antes os 1000 que os produtos Sentinel-2 trazem desde a linha de base de processamento 04.00.</translation>
    </message>
    <message>
        <location filename="../engine/export/exporting.py"/>
        <source>Checking the model</source>
        <translation>Verificando o modelo</translation>
    </message>
    <message>
        <location filename="../engine/export/exporting.py"/>
        <source>The model &#x27;{1}&#x27; has no weights to train from: there is no {2} next to it. Export it as ONNX instead.</source>
        <translation>O modelo &#x27;{1}&#x27; não tem pesos para treinar: não há {2} ao lado dele. Exporte-o como ONNX.</translation>
    </message>
    <message>
        <location filename="../engine/export/exporting.py"/>
        <source>The model &#x27;{1}&#x27; is a backbone, which cannot make predictions before it is fine-tuned. Export its weights (safetensors), or fine-tune it first.</source>
        <translation>O modelo &#x27;{1}&#x27; é um backbone: não prediz nada até receber ajuste fino; por isso não há nada para executar em outro lugar. Exporte os pesos dele (safetensors) ou faça antes o ajuste fino.</translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>The probabilities of the exported graph differ from those of the network by up to {1}, but only {2} is acceptable. </source>
        <translation>O grafo exportado difere da rede em {1} em uma probabilidade; aceita-se {2}. </translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>Export with full weights (half off).</source>
        <translation>Exporte com pesos completos (half desativado).</translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>Please report the model&#x27;s card.</source>
        <translation>Por favor, relate a ficha do modelo.</translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>This version of PyTorch cannot export the network. Please report it.</source>
        <translation>A rede não pode ser exportada por esta versão do torch. Por favor, relate isso.</translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>The weights of the model need more than 2 GB, the largest size of a single ONNX file. </source>
        <translation>Os pesos do modelo precisam de mais que os 2 GB que um arquivo ONNX pode conter. </translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>Use a smaller model.</source>
        <translation>Use um modelo menor.</translation>
    </message>
    <message>
        <location filename="../engine/export/onnx.py"/>
        <source>Export with half-precision weights.</source>
        <translation>Exporte com pesos de meia precisão.</translation>
    </message>
    <message>
        <location filename="../engine/export/streamed.py"/>
        <source>The model needs {1} GB, but a single ONNX file can hold at most 2 GB. Write a .safetensors model instead.</source>
        <translation>O modelo precisa de {1} GB; um arquivo ONNX pode conter 2 GB. Grave um modelo .safetensors.</translation>
    </message>
    <message>
        <location filename="../engine/gpu/graph_weights.py"/>
        <source>The graph of &#x27;{1}&#x27; does not contain the weight &#x27;{2}&#x27; of its network. Use ONNX Runtime for this model, or keep its .safetensors file next to it.</source>
        <translation>O grafo de &#x27;{1}&#x27; não contém o peso &#x27;{2}&#x27; da sua rede. Use o ONNX Runtime para este modelo, ou mantenha o ficheiro .safetensors ao lado.</translation>
    </message>
    <message>
        <location filename="../engine/gpu/torch_backend.py"/>
        <source>The model &#x27;{1}&#x27; failed on the GPU. Choose the device &#x27;cpu&#x27;. If it is one of the models that come with the plugin, please report this.</source>
        <translation>O modelo &#x27;{1}&#x27; falhou na GPU. Escolha o dispositivo &#x27;cpu&#x27;; se for um modelo incluído, comunique-o.</translation>
    </message>
    <message>
        <location filename="../engine/gpu/torch_backend.py"/>
        <source>The GPU does not have enough free memory for the model &#x27;{1}&#x27;. Close other programs, or choose a smaller model.</source>
        <translation>A GPU tem pouca memória livre para o modelo &#x27;{1}&#x27;. Feche outros programas, ou escolha um modelo mais pequeno.</translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source>&#x27;{1}&#x27; is copied without conversion, so the output must end in {2}, not &#x27;{3}&#x27;. To convert it to another format, use &#x27;Export model&#x27;.</source>
        <translation>&#x27;{1}&#x27; é copiado como está: a saída deve terminar em {2}, não em &#x27;{3}&#x27;. Para criar outro tipo de arquivo a partir dele, use &#x27;Exportar modelo&#x27;.</translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source>Copying the model</source>
        <translation>Copiando o modelo</translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source> It seems to have been made for the Deepness plugin: use it there.</source>
        <translation> Parece ter sido feito para o complemento Deepness: use-o lá.</translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source>&#x27;{1}&#x27; has no SpectralGPT card. It does not say which bands it needs (by wavelength) and how values are scaled, so it cannot be used here.{2} Choose a model made with this plugin, or a published SpectralGPT checkpoint (.pth).</source>
        <translation>&#x27;{1}&#x27; não leva ficha do SpectralGPT: não consta nele de que bandas precisa, por comprimento de onda, nem a escala dos valores; por isso não pode ser executado aqui.{2} Esperava-se um modelo criado por este complemento ou um checkpoint publicado do SpectralGPT (.pth).</translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source>Reading the checkpoint</source>
        <translation>Lendo o checkpoint</translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source>Computing the checksum of the checkpoint</source>
        <translation>Calculando a impressão digital do checkpoint</translation>
    </message>
    <message>
        <location filename="../engine/importing.py"/>
        <source>This checkpoint is a backbone, which cannot make predictions before it is fine-tuned, so it cannot become an .onnx file. Choose an output that ends in .safetensors, and fine-tune from it.</source>
        <translation>Este checkpoint é um backbone: não prediz nada até receber ajuste fino; por isso não pode virar .onnx. Dê uma saída que termine em .safetensors e faça o ajuste fino a partir dela.</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend.py"/>
        <source>The graph of &#x27;{1}&#x27; has the inputs {2} and the outputs {3}, but a model for {4} needs {5} and must return probabilities. Import the model again.</source>
        <translation>O grafo de &#x27;{1}&#x27; tem as entradas {2} e as saídas {3}; um modelo para {4} precisa de {5} e dá probabilidades. Importe o modelo de novo.</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend.py"/>
        <source>The graph of &#x27;{1}&#x27; expects {2} (bands, rows, columns), but its card says {3}. The file does not match its card: create or import it again.</source>
        <translation>O grafo de &#x27;{1}&#x27; recebe {2} (bandas, linhas, colunas), a ficha dele diz {3}. O arquivo não corresponde à ficha: crie-o ou importe-o de novo.</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend.py"/>
        <source>The model &#x27;{1}&#x27; returned scores of the shape {2}, but its card has {3} classes. The file does not match its card: create or import it again.</source>
        <translation>O modelo &#x27;{1}&#x27; deu pontuações da forma {2}, a ficha dele tem {3} classes. O arquivo não corresponde à ficha: crie-o ou importe-o de novo.</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend.py"/>
        <source>The model returned scores that are not numbers (NaN). Either it is damaged, or the raster&#x27;s values are far outside the range that it was trained on. Check the raster&#x27;s values and no-data, set the device to &#x27;cpu&#x27;, or create or import the model again.</source>
        <translation>O modelo deu pontuações que não são números (NaN): está danificado, ou o raster tem valores distantes daqueles para os quais foi feito. Verifique os valores e os valores sem dados do raster, defina o dispositivo como &#x27;cpu&#x27;, ou crie ou importe o modelo novamente.</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend_choice.py"/>
        <source>{1} ONNX Runtime is used instead.</source>
        <translation>{1} Usa-se o ONNX Runtime no lugar.</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend_choice.py"/>
        <source>Speed test: {1} cannot run this model: {2}</source>
        <translation>Medido uma vez: {1} não executa este modelo: {2}</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend_choice.py"/>
        <source>Speed test: {1}: {2}; not used</source>
        <translation>Medido uma vez: {1}: {2}; não usado</translation>
    </message>
    <message>
        <location filename="../engine/infer/backend_choice.py"/>
        <source>Speed test: {1}: {2} ms per window{3}</source>
        <translation>Medido uma vez: {1}: {2} ms por janela{3}</translation>
    </message>
    <message>
        <location filename="../engine/infer/backends.py"/>
        <source>A GPU was requested, but none can be used: {1}. Choose the device &#x27;auto&#x27; or &#x27;cpu&#x27;, or install the engine for your GPU.</source>
        <translation>Foi pedida uma GPU e nenhuma pode ser usada: {1}. Escolha o dispositivo &#x27;auto&#x27; ou &#x27;cpu&#x27;, ou instale o motor para a sua GPU.</translation>
    </message>
    <message>
        <location filename="../engine/infer/backends.py"/>
        <source>The processor is used instead of the GPU. {1}</source>
        <translation>A GPU não é usada; usa-se o processador. {1}</translation>
    </message>
    <message>
        <location filename="../engine/infer/batch.py"/>
        <source>{1} of {2} scenes were completed by an earlier run and are skipped</source>
        <translation>{1} de {2} cenas foram concluídas por uma execução anterior e são deixadas de fora</translation>
    </message>
    <message>
        <location filename="../engine/infer/batch.py"/>
        <source>&#x27;{1}&#x27; could not be updated, because another program, such as a spreadsheet, has it open. Close it there and run the same command again, which only writes the table. Until then, &#x27;{2}&#x27; lists all scenes.</source>
        <translation>Não foi possível atualizar «{1}»: outro programa, como uma folha de cálculo, tem-no aberto. Feche-o aí e execute o mesmo outra vez, o que escreve apenas a tabela; entretanto, «{2}» informa sobre todas as cenas.</translation>
    </message>
    <message>
        <location filename="../engine/infer/batch.py"/>
        <source>{1} of {2} scenes failed: {3}. All others are complete; &#x27;{4}&#x27; lists every scene. Fix the problem and run the same command again: completed scenes are skipped.</source>
        <translation>Não foi possível calcular {1} de {2} cenas: {3}. As outras estão concluídas; &#x27;{4}&#x27; lista todas. Corrija o que está errado e execute o mesmo de novo: o que está concluído fica de fora.</translation>
    </message>
    <message>
        <location filename="../engine/infer/cell_windows.py"/>
        <source>Classifying cells</source>
        <translation>Rotulando células</translation>
    </message>
    <message>
        <location filename="../engine/infer/cells.py"/>
        <source>The cell size {1} is smaller than a pixel ({2} CRS units). Use a larger one, or 0 for the model&#x27;s own window size.</source>
        <translation>O tamanho de célula {1} é menor que um pixel ({2} unidades do SRC). Dê um maior, ou 0 para a janela do próprio modelo.</translation>
    </message>
    <message>
        <location filename="../engine/infer/cells.py"/>
        <source>The raster&#x27;s pixels of {1} m are resampled to {2} m, so that a cell of {3} px is {4} m wide. The model was trained on pixels of {5} m.</source>
        <translation>Os pixels de {1} m do raster são reamostrados para {2} m, de modo que uma célula de {3} px tenha {4} m de largura; o modelo foi treinado com {5} m.</translation>
    </message>
    <message>
        <location filename="../engine/infer/cells.py"/>
        <source>A cell covers {1} times the area that the model was trained on ({2} m wide), so the labels may be poor. Set the cell size to 0 to use the scale of the model.</source>
        <translation>Uma célula mostra ao modelo {1} vezes o terreno com que foi treinado ({2} m de largura): os rótulos podem ser ruins. Defina o tamanho da célula como 0 para a escala do próprio modelo.</translation>
    </message>
    <message>
        <location filename="../engine/infer/classify.py"/>
        <source>{1} {2}: less than half of their area is covered by valid pixels of the raster.</source>
        <translation>{1} {2}: menos da metade da sua superfície está sobre pixels válidos do raster.</translation>
    </message>
    <message>
        <location filename="../engine/infer/classify.py"/>
        <source>No {1} can be classified: in none of {2} are at least half of the pixels valid. Choose a smaller cell size or another area, or check the no-data values.</source>
        <translation>Não é possível rotular nada ({1}): de {2}, nenhum elemento tem pelo menos a metade dos pixels válida. Escolha um tamanho de célula menor, outra área, ou verifique os valores sem dados.</translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster.py"/>
        <source>A worker would use {1} on {2} (model {3}), but the client uses {4} on {5} (model {6}). Start the workers with the environment and the models of the client, or set the device to &#x27;cpu&#x27;.</source>
        <translation>Um worker calcularia com {1} em {2} (modelo {3}), o cliente com {4} em {5} (modelo {6}). Inicie os workers com o ambiente e os modelos do cliente, ou escolha o dispositivo &#x27;cpu&#x27;.</translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster.py"/>
        <source>The cluster has no workers, so the run is waiting for one. Start workers with: dask worker ADDRESS, or cancel.</source>
        <translation>O cluster não tem nenhum worker, portanto nada é calculado: a execução espera por um. Inicie alguns com: dask worker ADDRESS, ou cancele.</translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster.py"/>
        <source>The cluster could not complete a task: its scheduler has stopped, or the task repeatedly ended its workers. Check the logs of the workers: they may have too little memory, or lack the engine&#x27;s libraries.</source>
        <translation>O cluster não conseguiu calcular uma tarefa: o seu escalonador desapareceu, ou os workers terminaram repetidamente ao fazê-lo. Veja os registros dos workers: podem ter pouca memória ou não ter as bibliotecas do mecanismo.</translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster_parts.py"/>
        <source>Cluster: {1} tasks for {2} workers</source>
        <translation>Cluster: {1} tarefas para {2} workers</translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster_parts.py"/>
        <source>Classifying scenes</source>
        <translation>Rotulando cenas</translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster_rows.py"/>
        <source>Cluster: {1} strips for {2} workers</source>
        <translation>Cluster: {1} faixas para {2} workers</translation>
    </message>
    <message>
        <location filename="../engine/infer/cluster_rows.py"/>
        <source>Strips: row {1}</source>
        <translation>Faixas: linha {1}</translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>A change model has two classes, unchanged and changed, but &#x27;{1}&#x27; has {2}. Choose another model.</source>
        <translation>Um modelo de mudanças tem duas classes, inalterado e alterado; &#x27;{1}&#x27; tem {2}. Escolha outro modelo.</translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>Scores rescaled for this scene: {1} becomes 0.5</source>
        <translation>Pontuações reescaladas para esta cena: {1} passa a 0.5</translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>Threshold: {1} (determined from the scene)</source>
        <translation>Limiar: {1} (encontrado na cena)</translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>Threshold: {1} (fixed in the model card)</source>
        <translation>Limiar: {1} (fixado na ficha do modelo)</translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>Threshold: {1} (specified; the model&#x27;s own is not known)</source>
        <translation>Limiar: {1} (dado; o do modelo não é conhecido)</translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>Threshold: {1} (specified; the model&#x27;s own is {2})</source>
        <translation>Limiar: {1} (dado; o do modelo é {2})</translation>
    </message>
    <message>
        <location filename="../engine/infer/detect_change.py"/>
        <source>Writing the map</source>
        <translation>Gravando o mapa</translation>
    </message>
    <message>
        <location filename="../engine/infer/estimate.py"/>
        <source>Estimate: {1} windows, {2}{3} of memory, {4} of disk space ({5} free)</source>
        <translation>Estimativa: {1} janelas, {2}{3} de memória, {4} no disco ({5} livres)</translation>
    </message>
    <message>
        <location filename="../engine/infer/estimate.py"/>
        <source>Estimate: {1} of disk space in &#x27;{2}&#x27; ({3} free)</source>
        <translation>Estimativa: {1} no disco de &#x27;{2}&#x27; ({3} livres)</translation>
    </message>
    <message>
        <location filename="../engine/infer/estimate.py"/>
        <source>{1} of memory is free, but the run may need {2}: it may be slow or fail. Close other programs, or use fewer threads.</source>
        <translation>Há {1} de memória livres e a execução pode precisar de {2}: pode ser lenta ou falhar. Feche outros programas ou escolha menos threads.</translation>
    </message>
    <message>
        <location filename="../engine/infer/estimate.py"/>
        <source>The folder &#x27;{1}&#x27; has {2} of free space, but the run needs {3} while it works. Free some space, choose another folder, or limit the extent.</source>
        <translation>A pasta «{1}» tem {2} de espaço livre e a execução precisa de {3} enquanto trabalha. Liberte espaço, escolha outra pasta ou limite a extensão.</translation>
    </message>
    <message>
        <location filename="../engine/infer/estimate.py"/>
        <source>The folder &#x27;{1}&#x27; has {2} of free space, but the run may need {3} and could fail. Free some space, or choose another folder.</source>
        <translation>A pasta «{1}» tem {2} de espaço livre e a execução pode precisar de {3}: pode falhar. Liberte espaço ou escolha outra pasta.</translation>
    </message>
    <message>
        <location filename="../engine/infer/falling_back.py"/>
        <source>The GPU is low on memory. Continuing with {1} windows at a time.</source>
        <translation>A memória da GPU é pouca: continua com {1} janelas por vez.</translation>
    </message>
    <message>
        <location filename="../engine/infer/falling_back.py"/>
        <source>The GPU does not have enough memory for even one window. Continuing on the processor.</source>
        <translation>A memória da GPU não basta para uma janela: continua com o processador.</translation>
    </message>
    <message>
        <location filename="../engine/infer/finished_parts.py"/>
        <source>Resuming the previous run: {1} windows are done</source>
        <translation>Continua de onde a última execução parou: {1} janelas estão prontas</translation>
    </message>
    <message>
        <location filename="../engine/infer/finished_rows.py"/>
        <source>Resuming the previous run: {1} of {2} rows are done</source>
        <translation>Continua de onde a última execução parou: {1} de {2} linhas estão prontas</translation>
    </message>
    <message>
        <location filename="../engine/infer/gpu_choice.py"/>
        <source>Speed test: {1}: {2} ms per window</source>
        <translation>Medido uma vez: {1}: {2} ms por janela</translation>
    </message>
    <message>
        <location filename="../engine/infer/installed.py"/>
        <source>The model &#x27;{1}&#x27; is for training. To run it, a file that ends in .onnx is needed. Export it first.</source>
        <translation>O modelo &#x27;{1}&#x27; é para treinar; para executar é preciso um arquivo que termine em .onnx. Exporte-o antes.</translation>
    </message>
    <message>
        <location filename="../engine/infer/installed.py"/>
        <source>The card in &#x27;{1}&#x27; does not list any classes. Create or import the model again.</source>
        <translation>A ficha dentro de &#x27;{1}&#x27; não cita classes. Crie-o ou importe-o de novo.</translation>
    </message>
    <message>
        <location filename="../engine/infer/model_inputs.py"/>
        <source>The two dates have no group of bands in common: the first one provides the model&#x27;s groups {1}, the second one {2}. Choose rasters from the same sensor.</source>
        <translation>As duas datas não têm nenhum grupo de bandas em comum: a primeira serve para os grupos {1} do modelo, a segunda para {2}. Escolha rasters do mesmo sensor.</translation>
    </message>
    <message>
        <location filename="../engine/infer/mosaic.py"/>
        <source>There are no valid pixels in the area: the raster has no data there. Choose another area, or check the no-data values.</source>
        <translation>Não há nenhum pixel válido na área: ali o raster só contém sem dados. Escolha outra área ou verifique os valores sem dados.</translation>
    </message>
    <message>
        <location filename="../engine/infer/mosaic.py"/>
        <source>Windows: row {1} of {2}</source>
        <translation>Janelas: linha {1} de {2}</translation>
    </message>
    <message>
        <location filename="../engine/infer/onnx_backend.py"/>
        <source>ONNX Runtime could not start {1}: its driver or libraries are missing or outdated. Update the driver, or choose the processor.</source>
        <translation>O ONNX Runtime não pôde iniciar {1}: o driver ou as bibliotecas faltam ou são antigos demais. Atualize o driver ou escolha o processador.</translation>
    </message>
    <message>
        <location filename="../engine/infer/onnx_backend.py"/>
        <source>ONNX Runtime {1} cannot load &#x27;{2}&#x27;: the ONNX model is incomplete or needs a newer version. Copy the file again, or update the engine.</source>
        <translation>O ONNX Runtime {1} não pode carregar &#x27;{2}&#x27;: não é um modelo ONNX completo ou precisa de uma versão mais nova. Copie o arquivo de novo ou atualize o motor.</translation>
    </message>
    <message>
        <location filename="../engine/infer/onnx_backend.py"/>
        <source>The model &#x27;{1}&#x27; failed while running. Create or import it again. If it is one of the models that come with the plugin, please report this.</source>
        <translation>O modelo &#x27;{1}&#x27; falhou durante a execução. Crie-o ou importe-o de novo; se for um dos que acompanham o complemento, por favor, relate isso.</translation>
    </message>
    <message>
        <location filename="../engine/infer/onnx_backend.py"/>
        <source>The {1} does not have enough free memory for the model &#x27;{2}&#x27;. Close other programs, or choose a smaller model.</source>
        <translation>Memória livre insuficiente para o modelo &#x27;{2}&#x27; em: {1}. Feche outros programas ou escolha um modelo menor.</translation>
    </message>
    <message>
        <location filename="../engine/infer/openvino_backend.py"/>
        <source>OpenVINO {1} cannot run &#x27;{2}&#x27;: the ONNX model is incomplete, or has parts that OpenVINO does not support.</source>
        <translation>O OpenVINO {1} não pode executar &#x27;{2}&#x27;: não é um modelo ONNX completo ou tem partes que o OpenVINO não conhece.</translation>
    </message>
    <message>
        <location filename="../engine/infer/openvino_backend.py"/>
        <source>The computer does not have enough free memory for the model &#x27;{1}&#x27;. Close other programs, or choose a smaller model.</source>
        <translation>A máquina tem pouca memória livre para o modelo &#x27;{1}&#x27;. Feche outros programas ou escolha um modelo menor.</translation>
    </message>
    <message>
        <location filename="../engine/infer/places.py"/>
        <source>A place of {1} CRS units is {2} x {3} pixels, which is larger than the area to search ({4} x {5} pixels). Use a smaller size, 0 for {6} pixels, or a larger extent.</source>
        <translation>Um local de {1} unidades do SRC tem {2} x {3} pixels, maior que a área a pesquisar ({4} x {5} pixels). Dê um tamanho menor, 0 para {6} pixels, ou uma extensão maior.</translation>
    </message>
    <message>
        <location filename="../engine/infer/preflight.py"/>
        <source>Estimated: {1} windows, {2}{3}; actual: {4} windows, {5}, {6}</source>
        <translation>Estimado antes: {1} janelas, {2}{3}; foram {4} janelas, {5}, {6}</translation>
    </message>
    <message>
        <location filename="../engine/infer/quick_look.py"/>
        <source>No quick look: {1}</source>
        <translation>Sem pré-visualização rápida: {1}</translation>
    </message>
    <message>
        <location filename="../engine/infer/quick_look.py"/>
        <source>Quick look: {1} x {2} pixels of {3}</source>
        <translation>Pré-visualização rápida: {1} x {2} píxeis de {3}</translation>
    </message>
    <message>
        <location filename="../engine/infer/quick_look.py"/>
        <source>The map view does not show any part of the area to process.</source>
        <translation>O mapa não mostra nada da área a calcular.</translation>
    </message>
    <message>
        <location filename="../engine/infer/region.py"/>
        <source>The mask does not intersect the area to process ({1} in {2}); its polygons lie in {3}. Choose another mask, or check its CRS.</source>
        <translation>A máscara não toca a área a calcular ({1} em {2}); os polígonos dela estão em {3}. Escolha outra máscara ou verifique o SRC dela.</translation>
    </message>
    <message>
        <location filename="../engine/infer/region.py"/>
        <source>The mask is too small: it contains no pixel centre. Choose a larger mask.</source>
        <translation>A máscara é menor que um pixel: nenhum pixel tem o centro dentro dela. Escolha uma máscara maior.</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>Model: {1}, licence {2} ({3})</source>
        <translation>Modelo: {1}, licença {2} ({3})</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>Model: {1}, licence {2}</source>
        <translation>Modelo: {1}, licença {2}</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>Device: {1} ({2})</source>
        <translation>Dispositivo: {1} ({2})</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>{1} = band {2}, {3}</source>
        <translation>{1} = banda {2}, {3}</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>{1} = left out</source>
        <translation>{1} = omitida</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>{1}, bands: {2}</source>
        <translation>{1}, bandas: {2}</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>{1}, values: {2}</source>
        <translation>{1}, valores: {2}</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>{1}, no-data: {2}</source>
        <translation>{1}, sem dados: {2}</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>The raster&#x27;s pixels are {1} m wide on the ground, but the model was trained on pixels of {2} m, so results may be poor. Resample the raster (Raster &gt; Projections &gt; Warp), choose another model, or train one on this raster.</source>
        <translation>Os pixels do raster têm {1} m no terreno, aqueles com que o modelo aprendeu {2} m: os resultados podem ser ruins. Reamostre o raster (Raster &gt; Projeções &gt; Reprojetar), escolha outro modelo ou treine um com este raster.</translation>
    </message>
    <message>
        <location filename="../engine/infer/run_report.py"/>
        <source>Windows: {1} processed, {2} skipped of {3}; {4} s, {5} Mpx/s on {6} ({7})</source>
        <translation>Janelas: {1} calculadas, {2} puladas de {3}; {4} s, {5} Mpx/s em {6} ({7})</translation>
    </message>
    <message>
        <location filename="../engine/infer/scene_jobs.py"/>
        <source>No scene was specified. List rasters with inputs, or give a text file with one raster per line with inputs_list.</source>
        <translation>Nenhuma cena foi indicada. Indique rasters com inputs, ou com inputs_list um arquivo de texto com um por linha.</translation>
    </message>
    <message>
        <location filename="../engine/infer/scene_jobs.py"/>
        <source>Change detection needs two rasters for each scene, but {1} were given; the last one is &#x27;{2}&#x27;. Specify a first and a second date for each scene.</source>
        <translation>A mudança precisa de dois rasters por cena; foram indicados {1}, o último é &#x27;{2}&#x27;. Indique uma primeira e uma segunda data para cada uma.</translation>
    </message>
    <message>
        <location filename="../engine/infer/scene_jobs.py"/>
        <source>The scenes &#x27;{1}&#x27; and &#x27;{2}&#x27; would be written to the same output. Leave one out, or rename a file.</source>
        <translation>Duas cenas seriam gravadas na mesma saída: &#x27;{1}&#x27; e &#x27;{2}&#x27;. Deixe uma de fora ou renomeie um arquivo.</translation>
    </message>
    <message>
        <location filename="../engine/infer/scene_jobs.py"/>
        <source>The output &#x27;{1}&#x27; is also an input and would be overwritten. Choose another name.</source>
        <translation>A saída &#x27;{1}&#x27; também é uma entrada e seria sobrescrita. Escolha outro nome.</translation>
    </message>
    <message>
        <location filename="../engine/infer/scene_jobs.py"/>
        <source>The list of scenes &#x27;{1}&#x27; cannot be read. Use a text file (UTF-8) with the path of one raster per line.</source>
        <translation>Não é possível ler a lista de cenas &#x27;{1}&#x27;. Indique um arquivo de texto (UTF-8) com o caminho de um raster em cada linha.</translation>
    </message>
    <message>
        <location filename="../engine/infer/scene_jobs.py"/>
        <source>&#x27;{1}&#x27; cannot write &#x27;{2}&#x27; in addition to its output. Available: {3}.</source>
        <translation>&#x27;{1}&#x27; não grava &#x27;{2}&#x27; junto da sua saída. Há: {3}.</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>The name of the output &#x27;{1}&#x27; must end in {2}. Change it.</source>
        <translation>A saída &#x27;{1}&#x27; deve terminar em {2}. Dê-lhe um nome assim.</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>The name of a GeoPackage cannot contain &#x27;;&#x27;, but that of the output &#x27;{1}&#x27; does. Choose another name.</source>
        <translation>O nome de um GeoPackage não pode conter «;», como acontece com o da saída «{1}». Dê-lhe outro nome.</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>The name of the output &#x27;{1}...&#x27; is too long for the file and those written next to it: {2} bytes, but at most {3} are allowed. Choose a shorter name.</source>
        <translation>O nome da saída &#x27;{1}...&#x27; é longo demais para um arquivo e os que o acompanham: {2} bytes; esperam-se no máximo {3}. Dê-lhe um nome mais curto.</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>Two outputs would be written to &#x27;{1}&#x27;. Give each of them a different name.</source>
        <translation>Duas saídas seriam gravadas em &#x27;{1}&#x27;. Dê a cada uma um nome próprio.</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>The output &#x27;{1}&#x27; is a folder. Specify the name of a file.</source>
        <translation>A saída &#x27;{1}&#x27; é uma pasta. Dê o nome de um arquivo.</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>The folder of the output &#x27;{1}&#x27; does not exist. Create &#x27;{2}&#x27;, or choose another one.</source>
        <translation>A pasta da saída &#x27;{1}&#x27; não existe. Crie &#x27;{2}&#x27; ou escolha outra.</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>The disk is full, or the file is too large for it: &#x27;{1}&#x27; could not be completed. Free some space, or write to another disk. Nothing of this output was kept.</source>
        <translation>O disco está cheio, ou o arquivo é grande demais para ele: &#x27;{1}&#x27; não pôde ser concluído. Libere espaço ou grave em outro disco. Nada desta saída foi mantido.</translation>
    </message>
    <message>
        <location filename="../engine/infer/staging.py"/>
        <source>&#x27;{1}&#x27; cannot be written. Check that you have write access to this folder and that the file is not open in another program or as a layer in QGIS, or choose another location.</source>
        <translation>&#x27;{1}&#x27; não pode ser gravado. Verifique se você pode gravar nesta pasta e se nenhum outro programa (ou camada no QGIS) está usando o arquivo, ou escolha outro lugar.</translation>
    </message>
    <message>
        <location filename="../engine/infer/threshold.py"/>
        <source>The model card asks for the threshold {1}, which this version does not support. Update the plugin, or specify a threshold.</source>
        <translation>A ficha do modelo pede o limiar {1}, que esta versão não conhece. Atualize o complemento ou dê você mesmo um limiar.</translation>
    </message>
    <message>
        <location filename="../engine/infer/uncertain_places.py"/>
        <source>The model &#x27;{1}&#x27; has {2} class, but uncertainty needs two or more. Choose a model with more classes.</source>
        <translation>O modelo &#x27;{1}&#x27; conhece {2} classe; para haver indecisão são precisas duas ou mais. Escolha um modelo com mais classes.</translation>
    </message>
    <message>
        <location filename="../engine/infer/uncertain_places.py"/>
        <source>No place of {1} has at least half of its pixels valid{2}. Choose a smaller size or a larger area, or check the no-data values.</source>
        <translation>Nenhum local de {1} tem pelo menos a metade dos pixels válida{2}. Escolha um tamanho menor, uma área maior, ou verifique os valores sem dados.</translation>
    </message>
    <message>
        <location filename="../engine/infer/uncertain_places.py"/>
        <source>Places of {1}: {2} found.</source>
        <translation>Locais de {1}: {2} encontrados.</translation>
    </message>
    <message>
        <location filename="../engine/infer/uncertain_places.py"/>
        <source>{1} places were found instead of {2}: there is not enough space for more places of {3} with the required distance between them. Choose a smaller size, or a larger area.</source>
        <translation>Foram encontrados {1} locais em vez de {2}: não há espaço para mais locais de {3} com um local entre cada dois. Escolha um tamanho menor ou uma área maior.</translation>
    </message>
    <message>
        <location filename="../engine/infer/windows.py"/>
        <source>Windows of {1} px with an overlap of {2} px are impossible for a raster of {3} x {4} px: sizes must be at least 1, and the overlap must be smaller than the window.</source>
        <translation>Janelas de {1} px com sobreposição de {2} px sobre um raster de {3} x {4} px são impossíveis: os tamanhos devem ser pelo menos 1, e a sobreposição, menor que a janela.</translation>
    </message>
    <message>
        <location filename="../engine/infer/zone_windows.py"/>
        <source>Classifying zones</source>
        <translation>Rotulando zonas</translation>
    </message>
    <message>
        <location filename="../engine/jobs.py"/>
        <source>There is no command &#x27;{1}&#x27;. Available: {2}.</source>
        <translation>Não existe o verbo &#x27;{1}&#x27;. Existem: {2}.</translation>
    </message>
    <message>
        <location filename="../engine/jobs.py"/>
        <source>The parameters of &#x27;{1}&#x27; must be a JSON object.</source>
        <translation>Os parâmetros de &#x27;{1}&#x27; devem ser um objeto JSON.</translation>
    </message>
    <message>
        <location filename="../engine/jobs.py"/>
        <source>&#x27;{1}&#x27; needs the library &#x27;{2}&#x27;, which is not installed in this engine. Install the engine&#x27;s {3} libraries (in QGIS: SpectralGPT &gt; Engine).</source>
        <translation>&#x27;{1}&#x27; precisa da biblioteca &#x27;{2}&#x27;, que este motor não tem. Instale as bibliotecas do motor: {3} (no QGIS: SpectralGPT &gt; Motor).</translation>
    </message>
    <message>
        <location filename="../engine/memory_limit.py"/>
        <source> The memory limit allows the engine {1} MB. Increase or remove the limit in QGIS under Settings &gt; Options &gt; SpectralGPT.</source>
        <translation> O motor pode usar {1} MB, como diz o limite de memória: aumente-o no QGIS em Configurações &gt; Opções &gt; SpectralGPT, ou defina-o como sem limite.</translation>
    </message>
    <message>
        <location filename="../engine/model/config.py"/>
        <source>{1}={2} does not match {3}={4}: a positive multiple is needed. Use {5}={6}, or another {7}.</source>
        <translation>{1}={2} não é compatível com {3}={4}: esperava-se um múltiplo positivo. Use {5}={6}, ou outro {7}.</translation>
    </message>
    <message>
        <location filename="../engine/model/config.py"/>
        <source>There is no preset &#x27;{1}&#x27;. Choose one of {2}.</source>
        <translation>Não existe a predefinição &#x27;{1}&#x27;. Escolha uma destas: {2}.</translation>
    </message>
    <message>
        <location filename="../engine/model/dense_head.py"/>
        <source>The published pixel-wise head needs tokens of {1} pixels and a width that is a multiple of 16, but it was given patch={2}, width={3}. Use patch={4} and width={5}.</source>
        <translation>A cabeça publicada por pixel é feita para tokens de {1} pixels e uma largura múltipla de 16; foram dados patch={2}, width={3}. Use patch={4} e width={5}.</translation>
    </message>
    <message>
        <location filename="../engine/model/encoder.py"/>
        <source>The network expects images [batch, {1}, height, width], but got {2}. Fill missing bands with zeros and leave out their group.</source>
        <translation>A rede recebe imagens [lote, {1}, altura, largura]; foi dado {2}. Preencha com zeros as bandas que faltam e deixe o grupo delas de fora.</translation>
    </message>
    <message>
        <location filename="../engine/model/encoder.py"/>
        <source>The pretrained model does not match this network: {1} of {2} encoder weights are missing or have a different shape ({3}). Choose a backbone with the same bands, width and depth.</source>
        <translation>O modelo pré-treinado não serve para esta rede: {1} de {2} pesos do codificador faltam ou têm outra forma ({3}). Escolha um backbone com as mesmas bandas, largura e profundidade.</translation>
    </message>
    <message>
        <location filename="../engine/model/losses.py"/>
        <source>The loss weights {1} are invalid: none may be negative, and at least one must be above 0.</source>
        <translation>Não é possível treinar com os pesos da perda {1}: nenhum pode ser negativo, e um deve ser maior que 0.</translation>
    </message>
    <message>
        <location filename="../engine/model/masked_autoencoder.py"/>
        <source>A mask ratio of {1} leaves {2} of {3} tokens visible, but some must be hidden and some visible. Use 0.9, or a larger window.</source>
        <translation>Uma taxa de máscara de {1} deixa {2} de {3} tokens visíveis: alguns devem ficar ocultos e alguns visíveis. Use 0.9 ou uma janela maior.</translation>
    </message>
    <message>
        <location filename="../engine/model/normalise.py"/>
        <source>The statistics in the card do not match its {1} bands: {2} means, {3} standard deviations (each must be above 0). Train or import the model again.</source>
        <translation>As estatísticas da ficha não correspondem às {1} bandas dela: {2} médias, {3} desvios (cada um deve ser maior que 0). Treine ou importe o modelo de novo.</translation>
    </message>
    <message>
        <location filename="../engine/model/normalise.py"/>
        <source>The card asks for the normalisation &#x27;{1}&#x27;, but this version supports only statistics, tile-minmax, scene-statistics and none. Update the plugin.</source>
        <translation>A ficha pede a normalização &#x27;{1}&#x27;; esta versão conhece statistics, tile-minmax, scene-statistics e none. Atualize o complemento.</translation>
    </message>
    <message>
        <location filename="../engine/model/pixel_change.py"/>
        <source>{1} pixel levels end at stride {2}, but a token is {3} pixels wide. Specify one width for each stride from 1 to {4}.</source>
        <translation>{1} níveis de pixels terminam no passo {2}, mas um token tem {3} pixels de largura. Dê uma largura para cada passo de 1 a {4}.</translation>
    </message>
    <message>
        <location filename="../engine/model/position.py"/>
        <source>A window of {1} x {2} pixels cannot be divided into tokens of {3} x {4}: both sides must be multiples of {5}. The nearest valid size is {6} x {7}.</source>
        <translation>Uma janela de {1} x {2} pixels não pode ser cortada em tokens de {3} x {4}: os dois lados devem ser múltiplos de {5}. O tamanho válido mais próximo é {6} x {7}.</translation>
    </message>
    <message>
        <location filename="../engine/model/predictor.py"/>
        <source>A model for &#x27;{1}&#x27; cannot make predictions by itself. Fine-tune it first, and use the result.</source>
        <translation>Um modelo para &#x27;{1}&#x27; não prediz nada por si só. Faça antes o ajuste fino e use o resultado.</translation>
    </message>
    <message>
        <location filename="../engine/model/predictor.py"/>
        <source>The model needs {1} inputs ({2}), but {3} were given.</source>
        <translation>O modelo recebe {1} entradas ({2}); foram dadas {3}.</translation>
    </message>
    <message>
        <location filename="../engine/model/registry.py"/>
        <source>The model card specifies the network &#x27;{1}&#x27;, but this version supports only {2}. Update the plugin, or import the model again.</source>
        <translation>A ficha do modelo cita a rede &#x27;{1}&#x27;; esta versão conhece {2}. Atualize o complemento ou importe o modelo de novo.</translation>
    </message>
    <message>
        <location filename="../engine/model/registry.py"/>
        <source>The model card describes its network &#x27;{1}&#x27; in a way that this version does not support. Update the plugin, or import the model again.</source>
        <translation>A ficha do modelo descreve a rede &#x27;{1}&#x27; de um modo que esta versão não pode construir. Atualize o complemento ou importe o modelo de novo.</translation>
    </message>
    <message>
        <location filename="../engine/model/tuned_change.py"/>
        <source>The network has lost its encoder.</source>
        <translation>A rede perdeu o codificador.</translation>
    </message>
    <message>
        <location filename="../engine/model/tuned_change.py"/>
        <source>The network was made without a pixel branch.</source>
        <translation>A rede foi criada sem ramo de pixels.</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>The model &#x27;{1}&#x27; is for {2}, but a model for {3} is needed. Choose another model, or use the tool that fits this one.</source>
        <translation>O modelo &#x27;{1}&#x27; é para {2}; aqui é preciso um para {3}. Escolha outro modelo ou use a ferramenta que serve para este.</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>There is no model &#x27;{1}&#x27;. Specify the path of a model file, or the name of an installed model ({2}).</source>
        <translation>Não existe o modelo &#x27;{1}&#x27;. Dê o caminho de um arquivo de modelo ou o nome de um modelo instalado ({2}).</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>&#x27;{1}&#x27; is not a SpectralGPT model: its name must end in .onnx or .safetensors. Import other formats with &#x27;Import model&#x27; first.</source>
        <translation>&#x27;{1}&#x27; não é um modelo do SpectralGPT: esperava-se um arquivo que termine em .onnx ou .safetensors. Importe antes outros formatos com &#x27;Importar modelo&#x27;.</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>&#x27;{1}&#x27; cannot be read as a model: it is missing, damaged or of another type. Copy the file again, or choose another model.</source>
        <translation>&#x27;{1}&#x27; não pode ser lido como modelo: falta, está danificado ou é de outro tipo. Copie o arquivo de novo ou escolha outro modelo.</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>&#x27;{1}&#x27; has no SpectralGPT card, so its bands and classes are not known. Import it with &#x27;Import model&#x27; first.</source>
        <translation>&#x27;{1}&#x27; não leva ficha do SpectralGPT; por isso as bandas e classes dele são desconhecidas. Importe-o antes com &#x27;Importar modelo&#x27;.</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>The card in &#x27;{1}&#x27; is damaged. Copy the file again.</source>
        <translation>A ficha dentro de &#x27;{1}&#x27; está danificada. Copie o arquivo de novo.</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>The model file &#x27;{1}&#x27; was changed or damaged after it was made: its content does not match its checksum. Copy or download it again.</source>
        <translation>O arquivo de modelo &#x27;{1}&#x27; foi alterado ou danificado depois de criado: o conteúdo não corresponde ao selo. Copie ou baixe-o de novo.</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>The model file &#x27;{1}&#x27; has no checksum. Import or train the model again.</source>
        <translation>O arquivo de modelo &#x27;{1}&#x27; não tem selo. Importe ou treine o modelo de novo.</translation>
    </message>
    <message>
        <location filename="../engine/model_file.py"/>
        <source>The model file &#x27;{1}&#x27; has no space for a checksum. Import or train the model again.</source>
        <translation>O arquivo de modelo &#x27;{1}&#x27; não tem lugar para um selo. Importe ou treine o modelo de novo.</translation>
    </message>
    <message>
        <location filename="../engine/model_folders.py"/>
        <source>The folder {1} is not responding.</source>
        <translation>A pasta {1} não responde.</translation>
    </message>
    <message>
        <location filename="../engine/model_folders.py"/>
        <source>The folder {1} does not exist, or its drive is not connected.</source>
        <translation>A pasta {1} não existe, ou a unidade dela não está conectada.</translation>
    </message>
    <message>
        <location filename="../engine/model_folders.py"/>
        <source>{1} is a file, not a folder.</source>
        <translation>{1} é um arquivo, não uma pasta.</translation>
    </message>
    <message>
        <location filename="../engine/model_folders.py"/>
        <source>The folder {1} cannot be read: {2}.</source>
        <translation>A pasta {1} não pode ser lida: {2}.</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>There is no file &#x27;{1}&#x27;. Specify the path of a checkpoint.</source>
        <translation>Não existe o arquivo &#x27;{1}&#x27;. Dê o caminho de um checkpoint.</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; was not loaded: in addition to weights, it contains {2} type(s) of Python object that could execute code ({3}). Only tensors, plain values and argparse.Namespace are accepted. Use the published file, or save only the weights with torch.save(model.state_dict(), path).</source>
        <translation>&#x27;{1}&#x27; não foi carregado: além de pesos, contém {2} tipo(s) de objeto Python que poderiam executar código ({3}). Esperavam-se apenas tensores, valores simples e argparse.Namespace. Obtenha o arquivo publicado ou salve só os pesos com torch.save(model.state_dict(), path).</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; cannot be read as a PyTorch checkpoint: it is incomplete, damaged or of another type. Download it again and compare its size.</source>
        <translation>&#x27;{1}&#x27; não pode ser lido como checkpoint do PyTorch: é de outro tipo, está incompleto ou danificado. Baixe-o de novo e compare o tamanho.</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; contains {2}, but a dictionary of weights is needed, either directly or under &#x27;model&#x27;. Use one of the published checkpoints.</source>
        <translation>&#x27;{1}&#x27; contém {2}; esperava-se um dicionário de pesos, direto ou sob &#x27;model&#x27;. Dê um dos checkpoints publicados.</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; contains {2} entries that are not weights ({3}). Only dense floating-point tensors are accepted. Use one of the published checkpoints.</source>
        <translation>&#x27;{1}&#x27; contém {2} entradas que não são pesos ({3}); esperavam-se apenas tensores densos de ponto flutuante. Dê um dos checkpoints publicados.</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; is not a SpectralGPT checkpoint: the weights {2} are needed, but {3} was found, among {4} weights ({5}). Use one of the published checkpoints.</source>
        <translation>&#x27;{1}&#x27; não é um checkpoint do SpectralGPT: esperavam-se os pesos {2}; encontrado: {3}, entre {4} pesos ({5}). Dê um dos checkpoints publicados.</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; has tokens of width {2} at {3} positions, but a width of {4} and a square number of positions are needed. Use one of the published checkpoints.</source>
        <translation>&#x27;{1}&#x27; tem tokens de largura {2} em {3} posições; esperavam-se a largura {4} e um número quadrado de posições. Dê um dos checkpoints publicados.</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; contains the SpectralGPT encoder, but neither its decoder (decoder_...) nor a head (cls_seg..., head...) among {2} weights. Use one of the published checkpoints.</source>
        <translation>&#x27;{1}&#x27; contém o codificador do SpectralGPT, mas nem o decodificador (decoder_...) nem uma cabeça (cls_seg..., head...) entre {2} pesos. Dê um dos checkpoints publicados.</translation>
    </message>
    <message>
        <location filename="../engine/official.py"/>
        <source>&#x27;{1}&#x27; does not match SpectralGPT&#x27;s {2} network of {3} weights: {4}. Use the published file as it was downloaded, or specify its type with &#x27;kind&#x27;.</source>
        <translation>&#x27;{1}&#x27; não corresponde à rede {2} do SpectralGPT com {3} pesos: {4}. Dê o arquivo publicado tal como foi baixado ou escolha o que ele contém com &#x27;kind&#x27;.</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>Weights: Hong et al., SpectralGPT: Spectral Remote Sensing Foundation Model, IEEE TPAMI 46(8), 2024, Zenodo record 8412455. Their licence, CC-BY-4.0, is known from a third party&#x27;s table only: unverified.</source>
        <translation>Pesos: Hong et al., SpectralGPT: Spectral Remote Sensing Foundation Model, IEEE TPAMI 46(8), 2024, registro 8412455 no Zenodo. A licença deles, CC-BY-4.0, é conhecida só por uma tabela de terceiros: não verificada.</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>Each window is scaled to 0..1 band by band, as in training.</source>
        <translation>Cada janela é escalada para 0..1 banda por banda, como no treinamento.</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source> The meaning of its {1} bands is not known: choose the raster bands manually.</source>
        <translation> O significado das {1} bandas dele não é conhecido: escolha as bandas do raster manualmente.</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>{1} {2} Imported; none of its accuracy figures was checked here.</source>
        <translation>{1} {2} Importado; nenhum dos números dele foi verificado aqui.</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>Published SpectralGPT backbone for fine-tuning. It cannot make predictions by itself.</source>
        <translation>Backbone publicado do SpectralGPT, para ajuste fino; não prediz nada por si só.</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>Published SpectralGPT change network, fine-tuned by its authors on OSCD.</source>
        <translation>Rede de mudanças publicada do SpectralGPT, com ajuste fino pelos autores no OSCD.</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>SpectralGPT segmentation network with {1} classes whose names are not in the file.</source>
        <translation>Rede de segmentação do SpectralGPT com {1} classes cujos nomes não estão no arquivo.</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>Published SpectralGPT segmentation network, fine-tuned by its authors on SegMunich. It uses ten bands and appends their mean twice. The sources disagree about which ten; these were confirmed by the first author.</source>
        <translation>Rede de segmentação publicada do SpectralGPT, com ajuste fino pelos autores no SegMunich. Recebe dez bandas e acrescenta duas vezes a média delas. Sobre quais dez, as fontes divergem: estas são as que o primeiro autor confirmou.</translation>
    </message>
    <message>
        <location filename="../engine/official_cards.py"/>
        <source>SpectralGPT scene classifier. Its class names and normalisation are not in the file: the names are numbers, and scaling by window is an assumption.</source>
        <translation>Classificador de cenas do SpectralGPT cujos nomes de classes e normalização não estão no arquivo: os nomes são números, e a escala por janela é uma suposição.</translation>
    </message>
    <message>
        <location filename="../engine/parameters.py"/>
        <source>&#x27;{1}&#x27; has no parameter &#x27;{2}&#x27;. Available: {3}.</source>
        <translation>&#x27;{1}&#x27; não tem o parâmetro &#x27;{2}&#x27;. Tem: {3}.</translation>
    </message>
    <message>
        <location filename="../engine/parameters.py"/>
        <source>&#x27;{1}&#x27; needs the parameter &#x27;{2}&#x27;: {3}.</source>
        <translation>&#x27;{1}&#x27; precisa do parâmetro &#x27;{2}&#x27;: {3}.</translation>
    </message>
    <message>
        <location filename="../engine/parameters.py"/>
        <source>The parameter &#x27;{1}&#x27; of &#x27;{2}&#x27; is {3}; expected {4} ({5}).</source>
        <translation>O parâmetro &#x27;{1}&#x27; de &#x27;{2}&#x27; é {3}; esperava-se {4} ({5}).</translation>
    </message>
    <message>
        <location filename="../engine/parameters.py"/>
        <source>The parameter &#x27;{1}&#x27; of &#x27;{2}&#x27; is &#x27;{3}&#x27;; choose one of: {4}.</source>
        <translation>O parâmetro &#x27;{1}&#x27; de &#x27;{2}&#x27; é &#x27;{3}&#x27;; escolha um destes: {4}.</translation>
    </message>
    <message>
        <location filename="../engine/parameters.py"/>
        <source>The parameter &#x27;{1}&#x27; of &#x27;{2}&#x27; is {3}, but it must be between {4} and {5}.</source>
        <translation>O parâmetro &#x27;{1}&#x27; de &#x27;{2}&#x27; é {3}; deve estar entre {4} e {5}.</translation>
    </message>
    <message>
        <location filename="../engine/product/files.py"/>
        <source>The archive {1} cannot be read: it is damaged, incompletely downloaded, or its type does not match its name. Download it again.</source>
        <translation>O pacote compactado {1} não pode ser lido: está danificado, foi baixado de forma incompleta ou é de outro tipo que o indicado pelo nome. Baixe-o de novo.</translation>
    </message>
    <message>
        <location filename="../engine/product/files.py"/>
        <source>The metadata file &#x27;{1}&#x27; of the product cannot be read: it is damaged or incompletely downloaded. Download the product again.</source>
        <translation>O arquivo de metadados &#x27;{1}&#x27; do produto não pode ser lido: está danificado ou foi baixado de forma incompleta. Baixe de novo o produto.</translation>
    </message>
    <message>
        <location filename="../engine/product/files.py"/>
        <source>There is no file or folder &#x27;{1}&#x27;. Choose the folder of a satellite product, its .zip or .tar, or any of its files.</source>
        <translation>Não existe o arquivo nem a pasta &#x27;{1}&#x27;. Indique a pasta de um produto de satélite, o seu .zip ou .tar, ou qualquer um dos seus arquivos.</translation>
    </message>
    <message>
        <location filename="../engine/product/files.py"/>
        <source>&#x27;{1}&#x27; is a compressed archive whose files cannot be read one by one. Unpack it, and choose the folder. A .zip or a .tar does not have to be unpacked.</source>
        <translation>&#x27;{1}&#x27; é um pacote comprimido em que nenhuma parte pode ser lida isoladamente. Descompacte-o e indique a pasta; um .zip ou um .tar pode ser indicado tal como está.</translation>
    </message>
    <message>
        <location filename="../engine/product/files.py"/>
        <source>There is no archive on this computer in &#x27;{1}&#x27;. Choose a .zip or .tar on a local or network drive.</source>
        <translation>Em &#x27;{1}&#x27; não há nenhum pacote compactado deste computador. Indique um .zip ou .tar que esteja em uma unidade.</translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>It is a Sentinel-2 product in the format used before December 2016. Download the scene again: the archive has been reprocessed.</source>
        <translation>É um produto Sentinel-2 da forma antiga, anterior a dezembro de 2016. Baixe de novo a mesma cena: o acervo foi reprocessado.</translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>There are files of a Sentinel-2 product, but its metadata file MTD_MSIL2A.xml or MTD_MSIL1C.xml is missing from the folders above them. Without it, the scale and offset of the values are unknown. Download the whole product.</source>
        <translation>Há arquivos de um produto Sentinel-2, mas o seu arquivo de metadados MTD_MSIL2A.xml ou MTD_MSIL1C.xml não está acima deles; sem ele não se conhecem a escala nem o offset dos valores. Baixe o produto completo.</translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>There are files of a Landsat product, but no metadata file (its name ends in _MTL.txt). Without it, the scale and offset of the values are unknown. Download the product bundle.</source>
        <translation>Há arquivos de um produto Landsat, mas nenhum arquivo de metadados (o seu nome termina em _MTL.txt); sem ele não se conhecem a escala nem o offset dos valores. Baixe o pacote do produto.</translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>It is an HLS product of version 1. Download version 2.</source>
        <translation>É um produto HLS da versão 1. Baixe a versão 2.</translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>It is a product of another satellite or processing level. For Sentinel-2, only Level-1C and Level-2A can be opened.</source>
        <translation>É um produto de outro satélite ou nível. Podem ser abertos Sentinel-2 Level-1C e Level-2A.</translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>&#x27;{1}&#x27; contains {2} products: {3}. Choose one of these files, or the folder or archive of one product.</source>
        <translation>&#x27;{1}&#x27; contém {2} produtos: {3}. Indique um destes arquivos, ou a pasta ou o pacote de um só produto.</translation>
    </message>
    <message>
        <location filename="../engine/product/finding.py"/>
        <source>&#x27;{1}&#x27; does not belong to a satellite product that can be opened. Choose a Sentinel-2 product (.SAFE folder or .zip, Level-1C or Level-2A), a Landsat Collection 2 product (folder or .tar), or an HLS version 2 product (folder).</source>
        <translation>&#x27;{1}&#x27; não pertence a nenhum produto de satélite que possa ser aberto. Espera-se um produto Sentinel-2 (pasta .SAFE ou .zip, Level-1C ou Level-2A), um produto Landsat Collection 2 (pasta ou .tar) ou um produto HLS da versão 2 (pasta).</translation>
    </message>
    <message>
        <location filename="../engine/product/hls.py"/>
        <source>The HLS product {1} lacks {2} of its bands: {3}. Download all of its files into one folder.</source>
        <translation>Ao produto HLS {1} faltam {2} das suas bandas: {3}. Baixe todos os seus arquivos para uma pasta.</translation>
    </message>
    <message>
        <location filename="../engine/product/hls.py"/>
        <source>The product&#x27;s file Fmask is missing: no clouds are masked.</source>
        <translation>Falta o arquivo Fmask do produto: não são mascaradas nuvens.</translation>
    </message>
    <message>
        <location filename="../engine/product/landsat.py"/>
        <source>&#x27;{1}&#x27; does not describe a Landsat Collection 2 product with reflectances of TM, ETM+ or OLI (collection {2}, sensor {3}). Download the scene from Collection 2, best as Level-2 (surface reflectance).</source>
        <translation>&#x27;{1}&#x27; não descreve nenhum produto Landsat Collection 2 com reflectâncias de TM, ETM+ ou OLI (coleção {2}, sensor {3}). Baixe a cena da Collection 2, de preferência como Level-2 (reflectância de superfície).</translation>
    </message>
    <message>
        <location filename="../engine/product/landsat.py"/>
        <source>The product lacks {1} of its files, such as &#x27;{2}&#x27;: it is incompletely downloaded or unpacked. Download it as a whole (the product bundle).</source>
        <translation>Ao produto faltam {1} dos seus arquivos, como &#x27;{2}&#x27;: foi baixado ou descompactado de forma incompleta. Baixe-o por inteiro (o pacote do produto).</translation>
    </message>
    <message>
        <location filename="../engine/product/landsat.py"/>
        <source>The product&#x27;s file QA_PIXEL is missing: no clouds are masked.</source>
        <translation>Falta o arquivo QA_PIXEL do produto: não são mascaradas nuvens.</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>Reading the product&#x27;s metadata</source>
        <translation>Lendo os metadados do produto</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>Product: {1}, taken {2}.</source>
        <translation>Produto: {1}, adquirido {2}.</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>The band files in this archive are compressed, so they are decompressed each time they are read. Maps are faster from the unpacked product.</source>
        <translation>Os arquivos de bandas deste pacote estão comprimidos, pelo que cada leitura os descompacta: os mapas são mais rápidos a partir do produto descompactado.</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>Opening the band files</source>
        <translation>Abrindo os arquivos de banda</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>Computing the colour stretch</source>
        <translation>Determinando as cores</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>{1} bands on a grid of {2} x {3} pixels of {4} m: {5}.</source>
        <translation>{1} bandas em uma grelha de {2} x {3} pixels de {4} m: {5}.</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>Masking clouds</source>
        <translation>Mascarando nuvens</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>{1} % of the scene is masked as clouds or shadows, according to the product&#x27;s {2}.</source>
        <translation>{1} % da cena está mascarada como nuvens ou sombras, segundo a camada do próprio produto: {2}.</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>The files of the product do not cover the same ground: &#x27;{1}&#x27; differs from the others. Files of several products may be mixed in one folder: download the product again into a folder of its own.</source>
        <translation>Os arquivos do produto não cobrem o mesmo terreno: &#x27;{1}&#x27; difere dos outros. Talvez haja arquivos de vários produtos misturados em uma pasta: baixe de novo o produto para uma pasta própria.</translation>
    </message>
    <message>
        <location filename="../engine/product/open_product.py"/>
        <source>With pixels of {1} m, the product of {2} x {3} pixels would have {4} x {5}. Give a resolution near its own, {6} m, or 0 for that.</source>
        <translation>Com pixels de {1} m, o produto de {2} x {3} pixels teria {4} x {5}. Indique uma resolução próxima da própria, {6} m, ou 0 para a usar.</translation>
    </message>
    <message>
        <location filename="../engine/product/sentinel2.py"/>
        <source>The metadata file &#x27;{1}&#x27; lists {2} tiles and the files of {3} bands, but one tile with all bands and the scale of their values is needed. The product has the format used before December 2016, or it is damaged. Download it again.</source>
        <translation>O arquivo de metadados &#x27;{1}&#x27; indica {2} quadrículas e os arquivos de {3} bandas; espera-se uma quadrícula com todas as bandas e a escala dos seus valores. É de uma forma antiga (anterior a dezembro de 2016) ou está danificado: baixe de novo o produto.</translation>
    </message>
    <message>
        <location filename="../engine/product/sentinel2.py"/>
        <source>The product lacks {1} of its files, such as &#x27;{2}&#x27;: its download or unpacking is incomplete. Download or unpack it again. If only its files of 20 or 60 m were downloaded, specify that resolution.</source>
        <translation>Ao produto faltam {1} dos seus arquivos, como &#x27;{2}&#x27;: foi baixado ou descompactado de forma incompleta. Baixe-o ou descompacte-o de novo. Se só foram baixados os seus arquivos de 20 ou 60 m, indique essa resolução.</translation>
    </message>
    <message>
        <location filename="../engine/product/sentinel2.py"/>
        <source>scene classification (SCL)</source>
        <translation>classificação da cena (SCL)</translation>
    </message>
    <message>
        <location filename="../engine/product/sentinel2.py"/>
        <source>The product&#x27;s scene classification (SCL) is missing: no clouds are masked.</source>
        <translation>Falta a classificação da cena (SCL) do produto: não são mascaradas nuvens.</translation>
    </message>
    <message>
        <location filename="../engine/product/sentinel2.py"/>
        <source>The product has no cloud mask that can be read: before processing baseline 04.00 (January 2022), products of Level-1C only have polygons. No clouds are masked. The Level-2A product of the same date has a mask.</source>
        <translation>O produto não tem uma máscara de nuvens que possa ser lida: antes da versão de processamento 04.00 (janeiro de 2022), os produtos Level-1C só têm polígonos. Não são mascaradas nuvens; com o Level-2A da mesma data é possível.</translation>
    </message>
    <message>
        <location filename="../engine/protocol.py"/>
        <source>The job is not a JSON object on a single line: {1}.</source>
        <translation>O trabalho não é um objeto JSON em uma linha: recebido {1}.</translation>
    </message>
    <message>
        <location filename="../engine/protocol.py"/>
        <source>The job is not a JSON object: {1}.</source>
        <translation>O trabalho não é um objeto JSON: recebido {1}.</translation>
    </message>
    <message>
        <location filename="../engine/protocol.py"/>
        <source>The engine ran out of memory. Close other programs, or work on a smaller area.</source>
        <translation>O motor ficou sem memória. Feche outros programas ou trabalhe em uma área menor.</translation>
    </message>
    <message>
        <location filename="../engine/protocol.py"/>
        <source>An unexpected error occurred in the engine ({1}: {2}). Please report it.</source>
        <translation>O motor encontrou um erro inesperado ({1}: {2}). Por favor, relate isso.</translation>
    </message>
    <message>
        <location filename="../engine/renaming.py"/>
        <source>The model &#x27;{1}&#x27; comes with the plugin and cannot be renamed.</source>
        <translation>O modelo &#x27;{1}&#x27; acompanha o complemento e mantém o nome.</translation>
    </message>
    <message>
        <location filename="../engine/renaming.py"/>
        <source>&#x27;{1}&#x27; cannot be used as a file name. Use letters, digits, spaces, and the characters _ - + ( ).</source>
        <translation>&#x27;{1}&#x27; não pode ser o nome de um arquivo. Use letras, dígitos, espaços e os sinais _ - + ( ).</translation>
    </message>
    <message>
        <location filename="../engine/renaming.py"/>
        <source>There is already a model &#x27;{1}&#x27; in {2}. Choose another name.</source>
        <translation>Já existe um modelo &#x27;{1}&#x27; em {2}. Escolha outro nome.</translation>
    </message>
    <message>
        <location filename="../engine/renaming.py"/>
        <source>The model has been renamed, but its old file &#x27;{1}&#x27; could not be deleted: {2}. Delete it manually.</source>
        <translation>O modelo tem o novo nome, mas o arquivo antigo &#x27;{1}&#x27; não pôde ser removido: {2}. Remova-o você mesmo.</translation>
    </message>
    <message>
        <location filename="../engine/train/base_model.py"/>
        <source>The model &#x27;{1}&#x27; has no SpectralGPT encoder to start from. Choose a backbone, or a fine-tuned model.</source>
        <translation>O modelo &#x27;{1}&#x27; não tem um codificador do SpectralGPT do qual partir. Escolha um backbone ou um modelo criado por ajuste fino.</translation>
    </message>
    <message>
        <location filename="../engine/train/base_model.py"/>
        <source>The model &#x27;{1}&#x27; can only make predictions, and there is no {2} next to it to train from. Choose a backbone, or a model that you fine-tuned.</source>
        <translation>O modelo &#x27;{1}&#x27; só faz predições, e não há {2} ao lado dele para treinar. Escolha um backbone ou um modelo ao qual você deu ajuste fino.</translation>
    </message>
    <message>
        <location filename="../engine/train/callbacks.py"/>
        <source>{1}Epoch {2} of {3}, loss {4}</source>
        <translation>{1}Rodada {2} de {3}, perda {4}</translation>
    </message>
    <message>
        <location filename="../engine/train/callbacks.py"/>
        <source>{1} is not a checkpoint of a training run, or it is damaged. Delete it to start from the beginning.</source>
        <translation>{1} não é um checkpoint de um treinamento ou está danificado. Exclua-o para começar do início.</translation>
    </message>
    <message>
        <location filename="../engine/train/callbacks.py"/>
        <source>{1} belongs to a run with different settings. Delete it to start from the beginning, or continue with the settings it was made with.</source>
        <translation>{1} pertence a uma execução com outras configurações. Exclua-o para começar do início ou continue com as configurações com que foi criado.</translation>
    </message>
    <message>
        <location filename="../engine/train/callbacks.py"/>
        <source>The checkpoint {1} could not be written: the disk is full, or the folder is read-only. Free some space, or fix the folder, and run the same command again. It continues from the last checkpoint.</source>
        <translation>O ponto de controle {1} não pôde ser gravado: o disco está cheio ou a pasta não pode ser gravada. Libere espaço ou corrija a pasta e execute o mesmo novamente: continua a partir do último ponto.</translation>
    </message>
    <message>
        <location filename="../engine/train/change_classes.py"/>
        <source>Change detection needs two classes, unchanged and changed, but the labels have {1} ({2}). Merge them into two.</source>
        <translation>Mudanças são aprendidas com duas classes, inalterado e alterado; os rótulos têm {1} ({2}). Junte-as em duas.</translation>
    </message>
    <message>
        <location filename="../engine/train/change_classes.py"/>
        <source>It is not clear which of the labels &#x27;{1}&#x27; and &#x27;{2}&#x27; means change. Name them &#x27;unchanged&#x27; and &#x27;changed&#x27;, or 0 and 1.</source>
        <translation>Não se sabe qual dos rótulos &#x27;{1}&#x27; e &#x27;{2}&#x27; significa mudança. Chame-os &#x27;unchanged&#x27; (inalterado) e &#x27;changed&#x27; (alterado), ou 0 e 1.</translation>
    </message>
    <message>
        <location filename="../engine/train/device.py"/>
        <source>A GPU was requested, but PyTorch cannot find one. Choose the device &#x27;auto&#x27; or &#x27;cpu&#x27;, or install a version of PyTorch that fits the GPU driver.</source>
        <translation>Foi pedida uma GPU, mas o torch não vê nenhuma aqui. Escolha o dispositivo &#x27;auto&#x27; ou &#x27;cpu&#x27;, ou instale um torch compatível com o driver da GPU.</translation>
    </message>
    <message>
        <location filename="../engine/train/encoder_tuning.py"/>
        <source>Mean overlap (IoU) on held-back labels before training: {1}</source>
        <translation>Sobreposição média (IoU) nos rótulos reservados antes: {1}</translation>
    </message>
    <message>
        <location filename="../engine/train/encoder_tuning.py"/>
        <source>labels held back in whole places, at the best epoch according to the same labels</source>
        <translation>rótulos reservados por locais inteiros, na melhor época segundo os mesmos rótulos</translation>
    </message>
    <message>
        <location filename="../engine/train/encoder_tuning.py"/>
        <source>Stopped before the end of the first epoch. The model with an unchanged backbone is kept.</source>
        <translation>Interrompido antes do fim da primeira rodada: mantém-se a cabeça sobre características congeladas.</translation>
    </message>
    <message>
        <location filename="../engine/train/encoder_tuning.py"/>
        <source>Training the backbone did not improve the accuracy on held-back labels ({1} instead of {2}). The model with an unchanged backbone is kept.</source>
        <translation>Treinar o codificador não melhorou o mapa dos rótulos reservados ({1} contra {2}): mantém-se a cabeça sobre características congeladas.</translation>
    </message>
    <message>
        <location filename="../engine/train/encoder_tuning.py"/>
        <source>Expected a Predictor, given {1}.</source>
        <translation>Esperava-se um Predictor; foi dado {1}.</translation>
    </message>
    <message>
        <location filename="../engine/train/head_tuning.py"/>
        <source>labels of {1} places in {2} parts, each held back in turn; the model was then trained on all of them</source>
        <translation>rótulos de {1} locais em {2} partes, cada uma reservada por vez; depois o modelo foi ajustado a todos</translation>
    </message>
    <message>
        <location filename="../engine/train/judging.py"/>
        <source>Assessing accuracy, part {1} of {2}</source>
        <translation>Avaliando, parte {1} de {2}</translation>
    </message>
    <message>
        <location filename="../engine/train/judging.py"/>
        <source>No labels could be held back to assess the accuracy of the model: one class is labelled in only one place (closer than {1} pixels). Draw every class in at least two places.</source>
        <translation>Nada foi reservado para avaliar o modelo: uma classe está rotulada em um só local (a menos de {1} pixels). Desenhe cada classe em pelo menos dois locais.</translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>No raster was specified. Choose the rasters with the labelled areas.</source>
        <translation>Nenhum raster foi dado. Escolha os rasters com o terreno rotulado.</translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>There are {1} rasters of the first date and {2} of the second. Specify one of the second date for each of the first, in the same order.</source>
        <translation>Há {1} rasters da primeira data e {2} da segunda. Dê um da segunda para cada um da primeira, na mesma ordem.</translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>Rasters of a second date were specified, but the task is {1}. Choose change-detection, or leave them out.</source>
        <translation>Foram dados rasters de uma segunda data, mas a tarefa é {1}. Escolha change-detection (detecção de mudanças) ou deixe-os de fora.</translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>{1} is left out: {2}</source>
        <translation>{1} é deixado de fora: {2}</translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>The labels {1} do not overlap any of the {2} rasters. Choose rasters of the labelled area, or check the CRS of both.</source>
        <translation>Os rótulos {1} não estão em nenhum dos {2} rasters. Escolha rasters do local rotulado ou verifique o SRC de ambos.</translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>No pixel of the rasters is labelled as {1}: the labels of this class lie elsewhere. Draw some on the rasters, or leave out the class.</source>
        <translation>Nenhum pixel dos rasters está rotulado como {1}: os rótulos dessa classe estão em outro lugar. Desenhe alguns sobre os rasters ou deixe a classe de fora.</translation>
    </message>
    <message>
        <location filename="../engine/train/labelled_rasters.py"/>
        <source>{1}: some bands are missing that other rasters have. The model is trained without these bands on all rasters.</source>
        <translation>{1}: faltam algumas bandas que outros rasters têm. O modelo aprende sem elas em todos.</translation>
    </message>
    <message>
        <location filename="../engine/train/made_model.py"/>
        <source>{1} cannot be stored.</source>
        <translation>{1} não pode ser guardado.</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>The backbone already processed {1} of {2} views of the windows in an earlier run.</source>
        <translation>O backbone já viu {1} de {2} vistas das janelas numa execução anterior.</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>labels held back in whole places, at the best epoch according to the same labels; the model was then trained on all of them</source>
        <translation>rótulos reservados por locais inteiros, na melhor época segundo os mesmos rótulos; depois o modelo foi treinado com todos</translation>
    </message>
    <message>
        <location filename="../engine/train/map_finetuning.py"/>
        <source>All held-back labels lie on no-data pixels of the rasters, so the accuracy of the model cannot be assessed. Draw more labels where the raster has valid pixels.</source>
        <translation>Todos os rótulos que foram reservados são sem dados nos rasters; por isso o modelo não pode ser avaliado. Desenhe mais rótulos onde o raster tem valores.</translation>
    </message>
    <message>
        <location filename="../engine/train/masked_pretraining.py"/>
        <source>Stage {1} of {2}. </source>
        <translation>Etapa {1} de {2}. </translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>Method: {1} ({2})</source>
        <translation>Método: {1} ({2})</translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>Method: {1}</source>
        <translation>Método: {1}</translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>for change in other places, an unchanged backbone with a trained head works best</source>
        <translation>a mudança em outros lugares é encontrada melhor quando o backbone fica como está e se ajusta uma cabeça</translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>with only {1} labelled places, the backbone stays unchanged and only a head is trained</source>
        <translation>{1} locais rotulados são poucos: o backbone fica como está e ajusta-se uma cabeça</translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>with {1} labelled places and a GPU, all weights are trained</source>
        <translation>{1} locais rotulados e uma GPU: todos os pesos aprendem</translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>with {1} labelled places and no GPU, a small part of the backbone is trained</source>
        <translation>{1} locais rotulados, sem GPU: poucos pesos do backbone aprendem</translation>
    </message>
    <message>
        <location filename="../engine/train/method.py"/>
        <source>with {1} million weights in the backbone and no GPU, the backbone stays unchanged and only a head is trained</source>
        <translation>o backbone tem {1} milhões de pesos e não há GPU: ele fica como está e ajusta-se uma cabeça</translation>
    </message>
    <message>
        <location filename="../engine/train/metrics.py"/>
        <source>The truth has the shape {1}, but the prediction {2}: they must be the same.</source>
        <translation>A verdade tem a forma {1}, a predição {2}: esperava-se a mesma.</translation>
    </message>
    <message>
        <location filename="../engine/train/metrics.py"/>
        <source>The {1} contains values {2}..{3}, but only 0..{4} are possible.</source>
        <translation>Há valores {2}..{3} em: {1}; esperava-se 0..{4}.</translation>
    </message>
    <message>
        <location filename="../engine/train/pixel_features.py"/>
        <source>Computing features</source>
        <translation>Calculando características</translation>
    </message>
    <message>
        <location filename="../engine/train/pixel_features.py"/>
        <source>All labelled pixels are no-data in the rasters. Draw labels where the raster has valid pixels, or check its no-data value.</source>
        <translation>Todos os pixels rotulados são sem dados nos rasters. Desenhe rótulos onde o raster tem valores ou verifique o valor sem dados dele.</translation>
    </message>
    <message>
        <location filename="../engine/train/pixel_features.py"/>
        <source>All pixels labelled as {1} are no-data in the rasters. Draw some where the raster has valid pixels, or leave out the class.</source>
        <translation>Todos os pixels rotulados como {1} são sem dados nos rasters. Desenhe alguns onde o raster tem valores ou deixe a classe de fora.</translation>
    </message>
    <message>
        <location filename="../engine/train/pixel_features.py"/>
        <source>{1} has no features of pixels.</source>
        <translation>{1} não tem características de pixels.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining.py"/>
        <source>{1} completed epochs are saved in {2}. Run the same command again to continue.</source>
        <translation>{1} épocas concluídas são mantidas em {2}: execute o mesmo de novo para continuar.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining.py"/>
        <source>Nothing was saved, because no checkpoint folder was specified.</source>
        <translation>Nada foi mantido, pois não foi dada uma pasta de checkpoints.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining.py"/>
        <source>Cancelled. {1}</source>
        <translation>Cancelado. {1}</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_patches.py"/>
        <source>The imagery is loaded into GPU memory, and patches are cut there.</source>
        <translation>As imagens são lidas para a memória da GPU; os recortes são feitos lá.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_patches.py"/>
        <source>The imagery does not fit into GPU memory together with the other data. Patches are read from disk as needed.</source>
        <translation>Não cabem lá ao lado do que outros ocupam: são lidas conforme necessário.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>mean squared error of hidden values in normalised units, on windows that were held back; &#x27;interpolation&#x27; fills each band from its visible tokens by distance, &#x27;mean&#x27; by their mean</source>
        <translation>erro quadrático médio dos valores ocultos em unidades normalizadas, em janelas reservadas; &#x27;interpolação&#x27; preenche cada banda a partir dos seus tokens visíveis conforme a distância, &#x27;média&#x27; com a média deles</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>SpectralGPT pretrained without labels on the user&#x27;s own imagery, from random weights ({1}).</source>
        <translation>SpectralGPT pré-treinado sem rótulos em imagens próprias, a partir de pesos aleatórios ({1}).</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>SpectralGPT pretrained without labels on the user&#x27;s own imagery, continuing from {1}.</source>
        <translation>SpectralGPT pré-treinado sem rótulos em imagens próprias, continuando a partir de {1}.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_results.py"/>
        <source>masked pretraining, progressively over windows and mask ratios</source>
        <translation>pré-treinamento mascarado, progressivo em janelas e taxas de máscara</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_setup.py"/>
        <source>The model &#x27;{1}&#x27; has no decoder for pretraining. Choose a backbone.</source>
        <translation>O modelo &#x27;{1}&#x27; não tem decodificador para pré-treinar. Escolha um backbone.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_setup.py"/>
        <source>The imagery is too small to hold back any of it, so the network cannot be assessed on unseen areas. Use larger rasters, or at least ten.</source>
        <translation>As imagens são pequenas demais para reservar uma parte delas: a rede não pode ser avaliada em terreno que não viu. Dê rasters maiores ou pelo menos dez.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_setup.py"/>
        <source>{1} of the rasters, such as {2}, have changed since the run in {3} began. The rest of the run uses them as they are now. Delete this folder to start from the beginning.</source>
        <translation>{1} dos rasters, como {2}, foram alterados desde o início da execução em {3}: o que resta dela aprende com eles como estão agora. Exclua essa pasta para começar de novo.</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_setup.py"/>
        <source>{1} rasters, {2} megapixels; {3} windows held back. Network with {4} million weights; {5} process(es).</source>
        <translation>{1} rasters, {2} megapixels; {3} janelas reservadas. Rede de {4} milhões de pesos; {5} processo(s).</translation>
    </message>
    <message>
        <location filename="../engine/train/pretraining_setup.py"/>
        <source>Stage {1} has windows of {2} px, but its largest raster has only {3} x {4} px. The windows are enlarged from fewer pixels, which takes time and teaches the model little. Use smaller windows, or larger rasters.</source>
        <translation>A etapa {1} tem janelas de {2} px, mais do que o seu maior raster tem ({3} x {4} px): elas são ampliadas a partir de menos pixels, o que leva tempo e ensina pouco. Use janelas menores ou rasters maiores.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_chips.py"/>
        <source>{1} labelled scenes are left out, because less than half of their pixels are valid.</source>
        <translation>{1} cenas rotuladas são deixadas de fora: menos da metade dos pixels delas é válida.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_chips.py"/>
        <source>No labelled scene can be used: in all of them, less than half of the pixels are valid. Label scenes where the raster has valid pixels, or check its no-data value.</source>
        <translation>Nenhuma cena rotulada pode ser usada: em todas, menos da metade dos pixels é válida. Rotule cenas onde o raster tem valores ou verifique o valor sem dados dele.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_encoder_tuning.py"/>
        <source>{1} on held-back scenes before training: {2}</source>
        <translation>{1} em cenas reservadas antes: {2}</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_encoder_tuning.py"/>
        <source>scenes held back in whole places, at the best epoch according to the same scenes</source>
        <translation>cenas reservadas por locais inteiros, na melhor época segundo as mesmas cenas</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_encoder_tuning.py"/>
        <source>Training the backbone did not improve the accuracy on held-back scenes ({1} instead of {2}). The model with an unchanged backbone is kept.</source>
        <translation>Treinar o codificador não melhorou os rótulos das cenas reservadas ({1} contra {2}): mantém-se a cabeça sobre características congeladas.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_finetuning.py"/>
        <source>Rasters of a second date were specified, but scenes have only one date. Leave them out, or choose change-detection.</source>
        <translation>Foram dados rasters de uma segunda data, mas cenas têm uma só data. Deixe-os de fora ou escolha change-detection (detecção de mudanças).</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_head.py"/>
        <source>Touching scenes had to be assigned to different parts, because there are too few others. The accuracy figures are too optimistic. Draw scenes in more places.</source>
        <translation>Cenas que se tocam estão em partes diferentes, pois há poucas outras: os números favorecem o modelo. Desenhe cenas em mais locais.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_head.py"/>
        <source>No scenes could be held back to assess the accuracy of the model: one class is labelled in only one place (closer than {1} pixels). Label every class in at least two places.</source>
        <translation>Nada foi reservado para avaliar o modelo: uma classe está rotulada em um só local (a menos de {1} pixels). Rotule cada classe em pelo menos dois locais.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_samples.py"/>
        <source>{1} has no features of scenes.</source>
        <translation>{1} não tem características de cenas.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_tuning.py"/>
        <source>Without held-back scenes, it is not known whether training the backbone helps. The model with an unchanged backbone is kept.</source>
        <translation>Sem cenas reservadas não se pode ver se treinar o codificador ajuda: mantém-se a cabeça sobre características congeladas.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_tuning.py"/>
        <source>Learning small image patterns</source>
        <translation>Aprendendo a aparência de pequenos recortes</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_tuning.py"/>
        <source>Training and assessing the last layer</source>
        <translation>Ajustando e avaliando a última camada</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_tuning.py"/>
        <source>scenes of {1} places in {2} parts, each held back in turn (small image patterns were learned from all of them, without labels); the model was then trained on all of them</source>
        <translation>cenas de {1} locais em {2} partes, cada uma reservada por vez (os recortes foram aprendidos de todas, sem rótulos); depois o modelo foi ajustado a todas</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_tuning.py"/>
        <source>No usable scene is labelled as {1}. Label some on the rasters, or leave out the class.</source>
        <translation>Nenhuma cena utilizável está rotulada como {1}. Rotule algumas sobre os rasters ou deixe a classe de fora.</translation>
    </message>
    <message>
        <location filename="../engine/train/scene_tuning.py"/>
        <source>{1}: fewer than {2} scenes. Label more of them: accuracy figures from so few are not reliable.</source>
        <translation>{1}: menos de {2} cenas. Rotule mais; números de tão poucas dizem pouco.</translation>
    </message>
    <message>
        <location filename="../engine/train/smaller_batches.py"/>
        <source>There is not enough memory even for a batch of {1}. Choose a smaller network or window, close other programs, or use another device.</source>
        <translation>A memória não basta nem para um lote de {1}. Escolha uma rede ou janela menor, feche outros programas ou calcule em outro dispositivo.</translation>
    </message>
    <message>
        <location filename="../engine/train/smaller_batches.py"/>
        <source>There is not enough memory for a batch of {1}: trying {2}.</source>
        <translation>A memória não basta para um lote de {1}: tentando {2}.</translation>
    </message>
    <message>
        <location filename="../engine/train/stages.py"/>
        <source>Stage {1} is &#x27;{2}&#x27;, but {3} is expected, for instance 64:20:1e-3 or 128:10:5e-4:0.9:*summer*. Separate stages by ;.</source>
        <translation>A etapa {1} é &#x27;{2}&#x27;; esperava-se {3}, por exemplo 64:20:1e-3 ou 128:10:5e-4:0.9:*summer*. Separe as etapas por ;.</translation>
    </message>
    <message>
        <location filename="../engine/train/stages.py"/>
        <source>The stages &#x27;{1}&#x27; contain no stage. Specify {2}.</source>
        <translation>As etapas &#x27;{1}&#x27; não contêm nenhuma etapa; esperava-se {2}.</translation>
    </message>
    <message>
        <location filename="../engine/train/stages.py"/>
        <source>Stage {1} has a window of {2} px, but it must be a multiple of the network&#x27;s patch of {3} px. Use {4} or {5}.</source>
        <translation>A etapa {1} tem uma janela de {2} px; esperava-se um múltiplo do patch da rede, de {3} px. Use {4} ou {5}.</translation>
    </message>
    <message>
        <location filename="../engine/train/stages.py"/>
        <source>Stage {1} hides {2} of the {3} tokens of a {4} px window, so none stays visible. Reduce the mask ratio, or use a larger window.</source>
        <translation>A etapa {1} oculta {2} dos {3} tokens de uma janela de {4} px: nada fica visível. Reduza a taxa de máscara ou use uma janela maior.</translation>
    </message>
    <message>
        <location filename="../engine/train/stages.py"/>
        <source>No raster name matches &#x27;{1}&#x27;. The rasters are: {2}{3}. Use * for any text in the pattern.</source>
        <translation>Nenhum raster tem nome como &#x27;{1}&#x27;. Os rasters são: {2}{3}. Use * para qualquer texto no padrão.</translation>
    </message>
    <message>
        <location filename="../engine/train/stages.py"/>
        <source>Stage {1} is &#x27;{2}&#x27;, but the window and the epochs must be at least 1, the learning rate above 0 and at most 1, and the mask ratio between 0 and 1.</source>
        <translation>A etapa {1} é &#x27;{2}&#x27;: a janela e as épocas devem ser pelo menos 1, a taxa de aprendizado maior que 0 e no máximo 1, a taxa de máscara entre 0 e 1.</translation>
    </message>
    <message>
        <location filename="../engine/train/supervised.py"/>
        <source>Fine-tuning takes a Predictor, given {1}. Wrap the network and its card in one.</source>
        <translation>O ajuste fino recebe um Predictor; foi dado {1}. Reúna a rede e a ficha dela em um.</translation>
    </message>
    <message>
        <location filename="../engine/train/surroundings_tuning.py"/>
        <source>labels held back in whole places</source>
        <translation>rótulos reservados por locais inteiros</translation>
    </message>
    <message>
        <location filename="../engine/train/surroundings_tuning.py"/>
        <source>Average precision on held-back labels: {1} pixel by pixel, {2} with the surroundings of the pixels</source>
        <translation>Precisão média nos rótulos reservados: {1} píxel a píxel, {2} com o entorno</translation>
    </message>
    <message>
        <location filename="../engine/train/trainer.py"/>
        <source>The loss became {1} at step {2} (epoch {3}), with a learning rate of {4}. Reduce the learning rate or limit the gradient, and check the data for values that are not finite.</source>
        <translation>A perda passou a {1} no passo {2} (época {3}), com taxa de aprendizado {4}. Reduza a taxa de aprendizado ou limite o gradiente, e verifique se há nos dados valores não finitos.</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_card.py"/>
        <source>Trained on the user&#x27;s own labels of {1} classes ({2}), starting from {3}.</source>
        <translation>Criado com rótulos próprios de {1} classes ({2}), a partir de {3}.</translation>
    </message>
    <message>
        <location filename="../engine/train/tuned_card.py"/>
        <source>not assessed: no labels could be held back</source>
        <translation>não avaliado: nenhum rótulo pôde ser reservado</translation>
    </message>
    <message>
        <location filename="../engine/train/unfinished_run.py"/>
        <source>{1} cannot be read, so the run in this folder cannot be continued. Delete the folder, or specify another one.</source>
        <translation>{1} não pode ser lido; por isso a execução nesta pasta não pode ser retomada. Exclua a pasta ou dê outra.</translation>
    </message>
    <message>
        <location filename="../engine/train/unfinished_run.py"/>
        <source>The folder {1} contains a run with different settings ({2}). Use the same settings to continue it, specify another folder, or delete the folder.</source>
        <translation>A pasta {1} contém uma execução com outras configurações ({2}). Dê as mesmas para continuá-la, dê outra pasta ou exclua esta.</translation>
    </message>
    <message>
        <location filename="../engine/train/unfinished_run.py"/>
        <source>The checkpoint folder {1} cannot be written. Choose another one.</source>
        <translation>Não é possível gravar na pasta de checkpoints {1}. Escolha outra.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/base_python.py"/>
        <source>No suitable Python was found: the engine needs 64-bit Python 3.9 to 3.14 with the module venv. Install it (from python.org, or with &#x27;sudo apt install python3-venv&#x27;), then try again.</source>
        <translation>Não foi encontrado um Python adequado: o motor precisa de Python de 64 bits, 3.9 a 3.14, com o módulo venv. Instale um (de python.org ou com &#x27;sudo apt install python3-venv&#x27;) e tente de novo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_client.py"/>
        <source>The engine failed without an error message.</source>
        <translation>O motor falhou sem dizer por quê.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_client.py"/>
        <source>The engine could not be started: {1} ({2}). Install or repair it in the settings under SpectralGPT.</source>
        <translation>O motor não pôde ser iniciado: {1} ({2}). Instale ou repare-o nas configurações, em SpectralGPT.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The last installation of the engine was not completed. Install it again.</source>
        <translation>A última instalação do motor não chegou ao fim. Instale-o de novo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The engine is not installed yet. Install it in the settings.</source>
        <translation>O motor ainda não está instalado. Instale-o nas configurações.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The engine&#x27;s record is damaged. Repair the engine.</source>
        <translation>O registro do motor está danificado. Repare o motor.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The Python installation that the engine is based on was removed or replaced. Repair the engine.</source>
        <translation>O Python a partir do qual o motor foi criado não existe mais ou foi substituído. Repare o motor.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The plugin was updated and needs other versions of the engine&#x27;s libraries. Update the engine.</source>
        <translation>O complemento foi atualizado e pede outras versões das bibliotecas do motor. Atualize o motor.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The engine is installed ({1}).</source>
        <translation>O motor está instalado ({1}).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_environment.py"/>
        <source>The disk of {1} has {2} GB of free space, but the installation needs {3} GB. Free some space, or choose another folder for the engine.</source>
        <translation>O disco de {1} tem {2} GB livres, e a instalação precisa de {3} GB. Libere espaço ou escolha outra pasta para o motor.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>The engine ran out of memory or was terminated by the system. Close other programs, choose a smaller extent, or reduce the number of threads, and run it again.</source>
        <translation>O motor ficou sem memória ou foi encerrado pelo sistema. Feche outros programas, escolha uma extensão menor ou reduza o número de threads, e execute de novo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>Repair the engine in the settings under SpectralGPT.</source>
        <translation>Repare o motor nas configurações, em SpectralGPT.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>The engine crashed in one of its libraries (access violation, 0xC0000005). Try the device &#x27;cpu&#x27;. If it happens again, update the graphics driver. </source>
        <translation>O motor travou (violação de acesso, 0xC0000005) em uma das bibliotecas dele. Tente o dispositivo &#x27;cpu&#x27;; se acontecer de novo, atualize o driver de vídeo. </translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>A library that the engine needs was not found (0xC0000135). Install the &#x27;Microsoft Visual C++ Redistributable&#x27; (x64), then restart QGIS. </source>
        <translation>Uma biblioteca de que o motor precisa não foi encontrada (0xC0000135). Instale o &#x27;Microsoft Visual C++ Redistributable&#x27; (x64) e reinicie o QGIS. </translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>A library of the engine could not start (0xC0000142). Install the &#x27;Microsoft Visual C++ Redistributable&#x27; (x64), then restart Windows.</source>
        <translation>Uma biblioteca do motor não pôde iniciar (0xC0000142). Instale o &#x27;Microsoft Visual C++ Redistributable&#x27; (x64) e reinicie o Windows.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>A library of the engine is damaged or not 64-bit (0xC000007B). </source>
        <translation>Uma biblioteca do motor está danificada ou não é de 64 bits (0xC000007B). </translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>The engine needs an instruction that this processor does not support (0xC000001D).</source>
        <translation>O motor usa uma instrução que este processador não tem (0xC000001D).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>The engine was interrupted (0xC000013A).</source>
        <translation>O motor foi interrompido (0xC000013A).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>{1} It is limited to {2} MB of memory, which may not be enough. See the memory limit under Settings &gt; Options &gt; SpectralGPT.</source>
        <translation>{1} Ele pode usar {2} MB de memória, o que talvez seja pouco: veja o limite de memória em Configurações &gt; Opções &gt; SpectralGPT.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>The engine stopped responding and was terminated. Run it again.</source>
        <translation>O motor parou de responder e foi encerrado. Execute de novo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/engine_exit.py"/>
        <source>The engine stopped without a result (exit code {1}).</source>
        <translation>O motor terminou sem resposta (código de saída {1}).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_lock.py"/>
        <source>The engine is being installed by another process (number {1}). Wait until it is done, or end that process, and try again.</source>
        <translation>O motor está sendo instalado por outro processo (número {1}). Espere até que termine, ou encerre-o, e tente de novo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The disk is full. Free some space, or choose another folder for the engine in the settings.</source>
        <translation>O disco está cheio. Libere espaço ou escolha outra pasta para o motor nas configurações.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The system&#x27;s security software (antivirus or application control) stopped the installation. Ask your administrator to allow the engine&#x27;s folder, or choose another one in the settings.</source>
        <translation>A proteção do sistema (antivírus ou controle de aplicativos) impediu a instalação. Peça ao seu administrador que permita a pasta do motor ou escolha outra nas configurações.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>A file of the engine is in use. Wait until running jobs are done, or restart QGIS.</source>
        <translation>Um arquivo do motor está em uso. Espere até que os trabalhos em execução terminem ou reinicie o QGIS.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>You do not have write access to the engine&#x27;s folder. Choose another folder in the settings, or have its permissions changed.</source>
        <translation>Não há permissão para gravar na pasta do motor. Escolha uma pasta sua nas configurações ou peça que as permissões dela sejam alteradas.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The path of the engine&#x27;s folder is too long for Windows. Choose a shorter one in the settings.</source>
        <translation>O caminho da pasta do motor é longo demais para o Windows. Escolha um mais curto nas configurações.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The certificate of the package server was rejected, as often happens behind a corporate proxy that inspects traffic. Specify your organisation&#x27;s CA file in the settings, or use a folder of wheels.</source>
        <translation>O certificado do servidor de pacotes não foi aceito, como acontece atrás do proxy de inspeção de uma empresa. Dê o arquivo CA da sua empresa nas configurações ou use uma pasta de pacotes wheel.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The proxy refused the connection. Check the proxy in the settings (http://user:password@host:port).</source>
        <translation>O proxy recusou a conexão. Verifique o proxy nas configurações (http://user:password@host:port).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The package server denied access (401 or 403). Check the address and password of the package index in the settings.</source>
        <translation>O servidor de pacotes recusou o acesso (401 ou 403). Verifique o endereço e a senha do índice nas configurações.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The package server could not be reached. Check the network and, in the settings, the proxy and the package index. Without a network connection, install from a folder of wheels.</source>
        <translation>O servidor de pacotes não foi alcançado. Verifique a rede e, nas configurações, o proxy e o índice; sem rede, instale a partir de uma pasta de pacotes wheel.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>A package was damaged during download. Run the installation again.</source>
        <translation>Um pacote chegou danificado. Execute a instalação de novo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>The operating system is too old for the engine&#x27;s libraries (its C library lacks functions that they need).</source>
        <translation>O sistema é antigo demais para as bibliotecas do motor (a biblioteca C dele não tem o que elas precisam).</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>There was not enough memory. Close other programs and run the installation again.</source>
        <translation>A memória não bastou. Feche outros programas e execute a instalação de novo.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/install_problems.py"/>
        <source>No build of {1} for {2} was found. Use 64-bit Python 3.9 to 3.14. If a package mirror is set in the settings, it may be incomplete.</source>
        <translation>Não há compilação de {1} para {2} onde se procurou. Use Python de 64 bits, 3.9 a 3.14; um espelho definido nas configurações pode estar incompleto.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/package_installer.py"/>
        <source>The folder of wheels &#x27;{1}&#x27; is missing or contains no .whl files.</source>
        <translation>A pasta de pacotes wheel &#x27;{1}&#x27; falta ou não tem arquivos .whl.</translation>
    </message>
    <message>
        <location filename="../spectralgpt_qgis/package_installer.py"/>
        <source>The CA file &#x27;{1}&#x27; is missing. Correct it in the settings.</source>
        <translation>O arquivo CA &#x27;{1}&#x27; falta. Corrija-o nas configurações.</translation>
    </message>
    <message>
        <location filename="../resources/published_weights.json"/>
        <source>Backbone of 12 Sentinel-2 bands, base size, pretrained on fMoW-S2 for 200 epochs; to train from.</source>
        <translation>Backbone de 12 bandas do Sentinel-2, tamanho base, pré-treinado com o fMoW-S2 por 200 épocas; para treinar a partir dele.</translation>
    </message>
    <message>
        <location filename="../resources/published_weights.json"/>
        <source>CC-BY-4.0 according to others; read it on the page of the record</source>
        <translation>CC-BY-4.0 segundo outros; leia-a na página do registro</translation>
    </message>
    <message>
        <location filename="../resources/published_weights.json"/>
        <source>Backbone of 12 Sentinel-2 bands, base size, pretrained further on BigEarthNet for 100 epochs; to train from.</source>
        <translation>Backbone de 12 bandas do Sentinel-2, tamanho base, pré-treinado ainda com o BigEarthNet por 100 épocas; para treinar a partir dele.</translation>
    </message>
    <message>
        <location filename="../resources/models/backbone.safetensors"/>
        <source>SpectralGPT tiny, Sentinel-2</source>
        <translation>SpectralGPT tiny, Sentinel-2</translation>
    </message>
    <message>
        <location filename="../resources/models/backbone.safetensors"/>
        <source>SpectralGPT pretrained without labels on nine Sentinel-2 bands (L1C and L2A reflectance); the start for models of your own.</source>
        <translation>SpectralGPT pré-treinado sem rótulos em nove bandas do Sentinel-2 (reflectância L1C e L2A); o ponto de partida para modelos próprios.</translation>
    </message>
    <message>
        <location filename="../resources/models/change.onnx"/>
        <source>Urban change, Sentinel-2</source>
        <translation>Mudança urbana, Sentinel-2</translation>
    </message>
    <message>
        <location filename="../resources/models/change.onnx"/>
        <source>Finds change between two Sentinel-2 images (L1C or L2A): construction and other changes of built-up or bare ground. Seasons and crops are ignored. Water that appears or disappears is found only in part, and a shoreline that moves by a few pixels is mostly missed (Boadella, February to June 2020, which was in training: F1 0.14). The model ranks pixels, and sets the threshold for each scene: about the most changed fortieth of the pixels are marked, fewer where little stands out, more where much has clearly changed. Probabilities are shifted so that the threshold is 0.5. Expect false alarms on bare fields and in scenes where almost nothing changed, and misses where a roof replaces a similar one. Snow and clouds count as change, so mask them. Both images should cover the same ground, at least a few square kilometres.</source>
        <translation>Mudança entre duas datas do Sentinel-2 (L1C ou L2A): construção e outras mudanças de terreno edificado ou exposto. Para o modelo, estações e culturas não são mudança. A água que surge ou some ele encontra só em parte; uma margem que se desloca alguns pixels quase sempre lhe escapa (Boadella, fevereiro a junho de 2020, que estava no treinamento: F1 0,14). Ele ordena os pixels; o limiar é encontrado em cada cena: marca mais ou menos a quadragésima parte que mais mudou, menos onde pouco se destaca e mais onde certamente muito mudou, e o raster de probabilidade é deslocado para que o limiar seja 0,5. Espere falsos alarmes em campos expostos e onde quase nada mudou, e omissões onde um telhado substitui outro parecido. Neve e nuvens são mudança para ele: mascare-as. As duas datas devem cobrir o mesmo terreno, pelo menos alguns quilômetros quadrados.</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Land cover (seven classes)</source>
        <translation>Cobertura do solo (sete classes)</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Land cover of every pixel in seven classes, from one Sentinel-2 image of either level. Learned from very few places: water is dependable; crops against grass and shrubs, and built-up against bare ground, need more than one date or your own labels (fine-tune). Clouds have no class: mask them first. Wetland is mapped as what it looks like.</source>
        <translation>Cobertura do solo de cada pixel em sete classes, a partir de uma imagem Sentinel-2 de qualquer dos dois níveis. Aprendido com muito poucos locais: a água é confiável; distinguir culturas de grama e arbustos, e edificado de solo exposto, exige mais de uma data ou rótulos próprios (ajuste fino). Nuvens não têm classe: mascare-as antes. Áreas úmidas são mapeadas como aquilo com que se parecem.</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Water</source>
        <translation>Água</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Trees</source>
        <translation>Árvores</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Crops</source>
        <translation>Culturas</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Built-up</source>
        <translation>Edificado</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Bare ground</source>
        <translation>Solo exposto</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Grass and shrubs</source>
        <translation>Grama e arbustos</translation>
    </message>
    <message>
        <location filename="../resources/models/landcover.onnx"/>
        <source>Snow and ice</source>
        <translation>Neve e gelo</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Scenes of Europe (EuroSAT&#x27;s ten classes)</source>
        <translation>Cenas da Europa (as dez classes do EuroSAT)</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Labels windows of 640 m with one of EuroSAT&#x27;s ten classes. Learned from 89 labelled chips of Europe in the growing season; other continents, winter, snow and clouds are not among them, and a window with several kinds of land gets the label of one. Herbaceous vegetation, permanent crop and highway are the weakest: look at the probabilities.</source>
        <translation>Rotula janelas de 640 m com uma das dez classes do EuroSAT. Aprendido com 89 recortes rotulados da Europa na estação de crescimento; outros continentes, inverno, neve e nuvens não estão entre eles, e uma janela com vários tipos de terreno recebe o rótulo de um deles. Vegetação herbácea, cultura permanente e rodovia são as mais fracas: veja as probabilidades.</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Annual crop</source>
        <translation>Cultura anual</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Forest</source>
        <translation>Floresta</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Herbaceous vegetation</source>
        <translation>Vegetação herbácea</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Highway</source>
        <translation>Rodovia</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Industrial</source>
        <translation>Industrial</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Pasture</source>
        <translation>Pastagem</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Permanent crop</source>
        <translation>Cultura permanente</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Residential</source>
        <translation>Residencial</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>River</source>
        <translation>Rio</translation>
    </message>
    <message>
        <location filename="../resources/models/scenes.onnx"/>
        <source>Sea or lake</source>
        <translation>Mar ou lago</translation>
    </message>
</context>
</TS>
